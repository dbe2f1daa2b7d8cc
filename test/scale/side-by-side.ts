/** Does it for each, so many at a time. */
export async function sideBySide<T>(
  all: readonly T[],
  most: number,
  work: (one: T, index: number) => Promise<void>,
): Promise<void> {
  const left = all.entries();
  const some = async (): Promise<void> => {
    for (const [index, one] of left) await work(one, index);
  };
  await Promise.all(Array.from({ length: most }, some));
}
