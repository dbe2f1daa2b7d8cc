/** An answer that says what is wrong. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, errcode: string, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.body = { errcode, error: message, ...more };
  }
}

export function forbidden(message: string): Fault {
  return new Fault(403, "M_FORBIDDEN", message);
}

export function notFound(message: string): Fault {
  return new Fault(404, "M_NOT_FOUND", message);
}
