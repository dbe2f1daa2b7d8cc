/** A request that ends when the test says so. */
export interface Work<T> {
  readonly begun: boolean;
  readonly run: () => Promise<T>;
  succeed(answer: T): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export function work(): Work<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  let begun = false;
  const settle = async (how: () => void): Promise<void> => {
    how();
    await new Promise(setImmediate);
  };
  return {
    get begun() {
      return begun;
    },
    run() {
      begun = true;
      return promise;
    },
    succeed: () => settle(resolve),
    fail: (error) => settle(() => reject(error)),
  };
}
