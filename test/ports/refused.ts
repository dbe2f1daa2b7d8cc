import { MatrixError as SdkError } from "matrix-js-sdk/lib/http-api/index.js";
import { type Remedies, toMatrixError } from "../../src/matrix/failure.ts";
import { Fault } from "../servers/homeserver/fault.ts";

/** Does what a homeserver may refuse: the adapter makes of a refusal what it makes of the real one. */
export function refusing<T>(work: () => T, remedies: Remedies = {}): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const call = { action: "asking the fake homeserver", baseUrl: "http://fake.test", bodyBytes: 0, remedies };
    throw toMatrixError(new SdkError({ ...error.body }, error.status), call);
  }
}
