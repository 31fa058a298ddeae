import { describeError } from '#base/log.ts';
import type { PodContext, PostFilterOutcome } from '../framework/plugin.ts';
import type { Extenders } from './extenders.ts';

/** What could be done for a pod that found no node. */
export interface Room {
  readonly nominated: Extract<PostFilterOutcome, { readonly kind: 'nominated' }> | undefined;
  /** Why there is no room to make; empty when there is. */
  readonly message: string;
  readonly clearsNomination: boolean;
}

/** Lets the extenders choose among the nodes where room could be made. */
export async function reviewRoom(
  room: Room,
  context: PodContext,
  extenders: Extenders,
  signal: AbortSignal,
): Promise<Room> {
  const candidates = room.nominated?.candidates;
  if (candidates === undefined) {
    return room;
  }
  try {
    const best = await extenders.reviewPreemption(context, candidates, signal);
    if (best === undefined) {
      return noRoom('no candidate node for preemption');
    }
    const nodeName = context.state.nodes.nameOf(best.row);
    return { ...room, nominated: { kind: 'nominated', nodeName, victims: best.victims } };
  } catch (error) {
    signal.throwIfAborted();
    return noRoom(`preemption: ${describeError(error)}`);
  }
}

function noRoom(message: string): Room {
  return { nominated: undefined, message, clearsNomination: false };
}
