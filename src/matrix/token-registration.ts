import { MatrixError as HttpApiError, Method } from "matrix-js-sdk/lib/http-api/index.js";
import { z } from "zod";
import { DEVICE_DISPLAY_NAME, type SessionAnswer, sessionAnswer } from "./login.ts";
import type { MatrixApi } from "./matrix-api.ts";
import { type Account, MatrixError } from "./port.ts";

const TOKEN_STAGE = "m.login.registration_token";
const DUMMY_STAGE = "m.login.dummy";

/** The 401 of user-interactive authentication: not a failure, but the next question. */
const challengeAnswer = z.object({
  session: z.string().min(1),
  flows: z.array(z.object({ stages: z.array(z.string()) })),
  completed: z.array(z.string()).optional(),
});

type Challenge = z.infer<typeof challengeAnswer>;

/** Registration with a token by user-interactive authentication. It does not set the display name. */
export async function registerByToken(
  token: string,
  api: MatrixApi,
  account: Account,
  signal: AbortSignal,
): Promise<SessionAnswer> {
  let auth: Readonly<Record<string, string>> | undefined;
  // The question without an answer, then one answer for each stage.
  for (let round = 0; round <= 2; round++) {
    try {
      return await attempt(api, account, auth, signal);
    } catch (error) {
      const challenge = challengeIn(error);
      if (challenge === undefined) throw error;
      auth = answerTo(challenge, token);
    }
  }
  throw unusable(account, "the homeserver asks for more after every stage was answered");

  function answerTo(challenge: Challenge, registrationToken: string): Readonly<Record<string, string>> {
    const done = new Set(challenge.completed);
    const flow = challenge.flows.find(
      ({ stages }) => stages.includes(TOKEN_STAGE) && stages.every((s) => s === TOKEN_STAGE || s === DUMMY_STAGE),
    );
    const stage = flow?.stages.find((candidate) => !done.has(candidate));
    if (stage === undefined) throw unusable(account, "the homeserver offers no registration by token");
    const answer = { type: stage, session: challenge.session };
    return stage === TOKEN_STAGE ? { ...answer, token: registrationToken } : answer;
  }
}

function attempt(
  api: MatrixApi,
  account: Account,
  auth: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): Promise<SessionAnswer> {
  return api.call(
    {
      action: `registering ${account.localpart}`,
      method: Method.Post,
      path: "/register",
      query: { kind: "user" },
      remedies: {
        forbidden: "Check that the configured registration token exists, is not used up, and has not expired.",
      },
      body: {
        username: account.localpart,
        password: account.password,
        device_id: account.deviceId,
        initial_device_display_name: DEVICE_DISPLAY_NAME,
        inhibit_login: false,
        auth,
      },
    },
    sessionAnswer,
    signal,
  );
}

/** A challenge that names an error refuses the last answer: asking again with the same token changes nothing. */
function challengeIn(error: unknown): Challenge | undefined {
  if (!(error instanceof MatrixError) || error.httpStatus !== 401 || error.errcode !== undefined) return undefined;
  if (!(error.cause instanceof HttpApiError)) return undefined;
  const parsed = challengeAnswer.safeParse(error.cause.data);
  return parsed.success ? parsed.data : undefined;
}

function unusable(account: Account, reason: string): MatrixError {
  return new MatrixError("refused", `registering ${account.localpart}: ${reason}`, {
    remedy: "Set registration_requires_token on the homeserver, or register by shared secret instead.",
  });
}
