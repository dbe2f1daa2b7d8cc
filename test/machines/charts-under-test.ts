import { agentBehaviour } from "../../src/actors/agent/behaviour.ts";
import { auditBehaviour } from "../../src/actors/audit/behaviour.ts";
import { conversationBehaviour } from "../../src/actors/conversation/behaviour.ts";
import { SendBudgets } from "../../src/actors/conversation/draft-budget.ts";
import { Markdown } from "../../src/actors/conversation/markdown.ts";
import { coreUserBehaviour } from "../../src/actors/core-user/behaviour.ts";
import { Directory } from "../../src/actors/directory.ts";
import { discoveryBehaviour } from "../../src/actors/discovery/behaviour.ts";
import { Sessions } from "../../src/actors/sessions.ts";
import { spaceBehaviour } from "../../src/actors/space/behaviour.ts";
import { addressOf } from "../../src/machines/addresses.ts";
import type { AgentContext } from "../../src/machines/agent/context.ts";
import type { AuditContext } from "../../src/machines/audit.ts";
import type { Approval, ConversationContext } from "../../src/machines/conversation/context.ts";
import type { CoreUserContext } from "../../src/machines/core-user.ts";
import type { DiscoveryContext } from "../../src/machines/discovery.ts";
import type { Command, Question } from "../../src/machines/question.ts";
import type { SpaceContext } from "../../src/machines/space-context.ts";
import type { Step } from "../../src/runtime/step.ts";
import { FakeHomeserver } from "../ports/fake-homeserver.ts";
import { FakeLetta } from "../ports/fake-letta.ts";
import { FakeVault } from "../ports/fake-vault.ts";
import { SimulatedClock } from "../runtime/simulated-clock.ts";
import { ChartDriver } from "./chart-driver.ts";

/** The product's charts with the product's own registration; their effects are never run. */

const server = "test";
const clock = new SimulatedClock();
const letta = new FakeLetta();
const homeserver = new FakeHomeserver(clock);
const identity = { passwordOf: () => "password", deviceIdOf: () => "DEVICE" };
const sessions = new Sessions(homeserver, new FakeVault(), identity);
const directory = new Directory({ async *list() {}, read: () => undefined }, server);

const agent = agentBehaviour({
  sessions,
  directory,
  clock,
  rooms: { server, botUserId: "@bot:test", people: [], admins: [], readers: [], nameTemplate: "{agent}" },
  pictureOf: () => undefined,
  invitations: { server, people: new Set(), servers: new Set() },
  commands: { people: new Set() },
  historyOf: () => Promise.resolve([]),
  history: { limit: 15 },
  knownSince: 0,
  pushes: false,
});
const conversation = conversationBehaviour({
  letta,
  sessions,
  directory,
  budgets: new SendBudgets({ ratePerSecond: 1, burst: 10 }, clock),
  clock,
  markdown: new Markdown(),
});
const discovery = discoveryBehaviour(letta, directory, clock, { interval: 60_000, grace: 7_200_000, disabled: [] });
const space = spaceBehaviour(sessions, directory, {
  server,
  botLocalpart: "bot",
  name: "Agents",
  aliasLocalpart: "agents",
  people: [],
  capacity: 3,
  coreUsers: { admins: [], readers: [] },
});
const coreUser = coreUserBehaviour({
  homeserver,
  sessions,
  identity,
  passwords: { add: async () => undefined },
  directory,
  clock,
  botUserId: "@bot:test",
  wanted: new Map(),
});

const audit = auditBehaviour(directory, { interval: 3_600_000 });

type Watch = (step: Step) => void;

export const drive = {
  agent: (watch?: Watch) => new ChartDriver<AgentContext>(agent, addressOf.agent(server, "agent-1"), watch),
  audit: (watch?: Watch) => new ChartDriver<AuditContext>(audit, addressOf.audit(server), watch),
  conversation: (watch?: Watch) =>
    new ChartDriver<ConversationContext>(conversation, addressOf.conversation(server, "agent-1", "!room:test"), watch),
  coreUser: (watch?: Watch) =>
    new ChartDriver<CoreUserContext>(coreUser, addressOf.coreUser(server, "@letta:test"), watch),
  discovery: (watch?: Watch) => new ChartDriver<DiscoveryContext>(discovery, addressOf.discovery(server), watch),
  space: (watch?: Watch) => new ChartDriver<SpaceContext>(space, addressOf.space(server), watch),
};

export function question(n: number, rest: Partial<Question> = {}): Question {
  return { eventId: `$question-${n}`, sender: "@anna:test", sentAt: n, text: `text ${n}`, mentioned: false, ...rest };
}

/** A person's command as a conversation gets it. */
export function command(name: Command["name"], rest: Partial<Command> = {}) {
  const told: Command = { name, eventId: `$${name}`, sender: "@anna:test", permitted: true, ...rest };
  return { type: told.permitted ? name.toUpperCase() : "UNPERMITTED", command: told };
}

/** A tool call that a person is to decide about. */
export function approval(n: number): Approval {
  return { callId: `perm-${n}`, attempt: 1, tool: "Bash", text: `May I use the tool Bash with call ${n}?` };
}
