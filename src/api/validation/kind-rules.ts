import type { NameProblems } from '../names.ts';
import type { Problems } from './problems.ts';

/** What is special about one kind. All of it is optional; every object's metadata is checked in any case. */
export interface KindRules<T> {
  /** Names are DNS subdomains unless this says otherwise. */
  readonly nameRule?: (name: string) => NameProblems;
  /** The metadata is not checked: kinds that have always been taken as they come. */
  readonly skipsMeta?: boolean;
  /** Holds for every object, on create and on update. */
  readonly check?: (problems: Problems, object: T) => void;
  readonly onCreate?: (problems: Problems, object: T) => void;
  readonly onUpdate?: (problems: Problems, next: T, previous: T) => void;
  readonly onStatusUpdate?: (problems: Problems, next: T, previous: T) => void;
}
