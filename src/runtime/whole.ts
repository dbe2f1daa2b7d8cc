/** Starts something that has parts. What of it has started is stopped again if the rest does not start. */
export async function startWhole<T>(start: () => Promise<T>, stop: () => Promise<unknown>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    // Why it did not start matters more.
    await stop().catch(() => undefined);
    throw error;
  }
}
