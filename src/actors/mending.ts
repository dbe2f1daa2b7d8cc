import type { HomeserverAdmin } from "../matrix/port.ts";
import type { Effect } from "../runtime/effect.ts";

interface OwnRoom {
  readonly userId: string;
  readonly roomId: string | null;
}

/**
 * What one of our users may not do in its own room, since it lost its power or its place there, an administrator gives it
 * back, and it is done again: once each time, and only where an administrator's token is configured.
 */
export function mending<TInput extends OwnRoom, TOutput, TEvent>(
  admin: HomeserverAdmin | undefined,
  effect: Effect<TInput, TOutput, TEvent>,
): Effect<TInput, TOutput, TEvent> {
  if (admin === undefined) return effect;
  return async (input, context) => {
    try {
      return await effect(input, context);
    } catch (error) {
      const { userId, roomId } = input;
      if (roomId === null || !isForbidden(error)) throw error;
      const isMended = await admin.makeRoomAdmin(roomId, userId, context.signal).then(
        () => true,
        () => false,
      );
      context.signal.throwIfAborted();
      // Why it is needed says more than why it could not be mended.
      if (!isMended) throw error;
    }
    return effect(input, context);
  };
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, "kind") === "forbidden";
}
