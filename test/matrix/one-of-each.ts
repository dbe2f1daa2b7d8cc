import { ClientServerHomeserver } from "../../src/matrix/client-server.ts";

/** Run as a process of its own: one request of each outcome, then nothing more to do. */
const [baseUrl = "", refusing = ""] = process.argv.slice(2);
const registration = { kind: "token", token: "" } as const;
const credentials = { userId: "@agent:test", deviceId: "DEV", accessToken: "token" };
const never = new AbortController().signal;

function client(url: string, commandMs: number) {
  const homeserver = new ClientServerHomeserver(
    { baseUrl: url, serverName: "test", registration },
    { limits: { commandMs } },
  );
  return homeserver.as(credentials);
}

const patient = client(baseUrl, 600_000);
const stop = new AbortController();
const aborted = patient.setDisplayName("stall", stop.signal);
setTimeout(() => stop.abort(), 20);
const outcomes = await Promise.allSettled([
  patient.setDisplayName("answer", never),
  aborted,
  client(baseUrl, 50).setDisplayName("stall", never),
  client(refusing, 600_000).setDisplayName("answer", never),
]);
console.log(outcomes.map(({ status }) => status).join(" "));
