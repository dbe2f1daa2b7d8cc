import { createHmac, hash, timingSafeEqual } from "node:crypto";

/** Whether two secrets are the same, in a time that tells nothing of where they differ. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(hash("sha256", one, "buffer"), hash("sha256", other, "buffer"));
}

/** How old, or how far ahead, a signature may be, s. */
const tolerance = 300;
const fields = /^\s*(t|v1)=([0-9a-f]+)\s*$/;

/** Whether a webhook's header, `t=<unix time>,v1=<hex>`, was made with this secret for this body, and not long ago. */
export function isSigned(header: string, body: Uint8Array, secret: string, now: number): boolean {
  const found = header.split(",").flatMap((field) => {
    const [, name, value] = fields.exec(field) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
  const time = found.find(({ name }) => name === "t")?.value;
  if (time === undefined || !/^\d{1,12}$/.test(time)) return false;
  if (Math.abs(now / 1000 - Number(time)) > tolerance) return false;
  const expected = createHmac("sha256", secret).update(`${time}.`).update(body).digest("hex");
  // All of them are compared: a sender that changes its secret may sign with both.
  return found.filter(({ name, value }) => name === "v1" && isSameSecret(value, expected)).length > 0;
}
