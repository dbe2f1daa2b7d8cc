const patience = 5_000;

/** Lets promises and I/O go on until `holds`, which may do checks of its own: what it throws is thrown when patience ends. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > patience) throw new Error(`it did not come true within ${patience} ms: ${holds}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
