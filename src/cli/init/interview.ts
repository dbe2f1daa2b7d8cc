import { type FirstAnswers, problemIn } from "./first-config.ts";

/** Asks a person; what is given back is without the spaces around it. */
export type Ask = (question: string) => Promise<string>;

interface Topic {
  readonly key: keyof FirstAnswers;
  readonly question: string;
  readonly section: readonly string[];
  /** What an empty answer means. */
  readonly otherwise: (known: Partial<FirstAnswers>) => string;
  readonly toAnswer: (text: string, asWritten: (file: string) => string) => Partial<FirstAnswers>;
}

const topics: readonly Topic[] = [
  {
    key: "homeserver",
    question: "Where do clients reach the homeserver?",
    section: ["homeserver", "url"],
    otherwise: () => "http://localhost:8008",
    toAnswer: (homeserver) => ({ homeserver }),
  },
  {
    key: "serverName",
    question: "What stands after the colon in its user ids?",
    section: ["homeserver", "server_name"],
    otherwise: ({ homeserver = "" }) => (URL.canParse(homeserver) ? new URL(homeserver).hostname : ""),
    toAnswer: (serverName) => ({ serverName }),
  },
  {
    key: "registration",
    question: "Which file holds Synapse's registration_shared_secret? (Nothing: a new secret is made for you.)",
    section: ["homeserver", "registration"],
    otherwise: () => "",
    toAnswer: (file, asWritten) => ({ registration: file === "" ? {} : { shared_secret_file: asWritten(file) } }),
  },
  {
    key: "letta",
    question: "Where does Letta's App Server listen?",
    section: ["letta", "url"],
    otherwise: () => "ws://127.0.0.1:4500",
    toAnswer: (letta) => ({ letta }),
  },
  {
    key: "invite",
    question: "Which Matrix users shall be invited to all agents? (Full ids, such as @you:example.org.)",
    section: ["invite"],
    otherwise: () => "",
    toAnswer: (text) => ({ invite: text.split(/[\s,]+/).filter(Boolean) }),
  },
];

/** Fills in the rest, so that one answer can be looked at before the others are there. */
const assumed: FirstAnswers = {
  homeserver: "http://localhost:8008",
  serverName: "example.org",
  letta: "ws://127.0.0.1:4500",
  invite: [],
  registration: { shared_secret_file: "secret" },
  dataFolder: "data",
};

/** Asks for what was not given, each until the answer can be used. */
export async function interview(
  given: Partial<FirstAnswers>,
  ask: Ask,
  say: (text: string) => void,
  /** A path that was typed, as the configuration has to have it. */
  asWritten: (file: string) => string,
): Promise<Partial<FirstAnswers>> {
  let known = given;
  for (const { key, question, section, otherwise, toAnswer } of topics) {
    while (known[key] === undefined) {
      const fallback = otherwise(known);
      const text = (await ask(`${question}${fallback === "" ? "" : ` [${fallback}]`} `)) || fallback;
      const answer = toAnswer(text, asWritten);
      const problem = problemIn(section, { ...assumed, ...answer });
      if (problem === undefined) known = { ...known, ...answer };
      else say(`That cannot be used: it ${problem}.\n`);
    }
  }
  return known;
}
