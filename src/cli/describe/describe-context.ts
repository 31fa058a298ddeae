import type { ApiResource } from '../discovery.ts';
import type { AnyObject } from '../object-access.ts';
import type { Session } from '../session.ts';
import type { DescriptionWriter } from './description-writer.ts';

/** What a describer works with: one object, and the cluster for what belongs to it. */
export interface DescribeContext {
  readonly session: Session;
  readonly resource: ApiResource;
  readonly object: AnyObject;
  readonly writer: DescriptionWriter;
  readonly nowMs: number;
  readonly showsEvents: boolean;
}

/** Writes the description of one kind. */
export type Describer = (context: DescribeContext) => Promise<void>;
