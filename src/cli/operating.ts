import { Argument, type Command } from "commander";
import { deadLettersDrop, deadLettersQuery, deadLettersReplay } from "../commands/supervision/dead-letters.ts";
import { agentsPause, agentsResume } from "../commands/supervision/pause.ts";
import { releaseCommand } from "../commands/supervision/release.ts";
import { agentsReprovision } from "../commands/supervision/reprovision.ts";
import { agentsRestart } from "../commands/supervision/restart.ts";
import { type OperatingEnvironment, type OperatorOptions, operatorCommands } from "./operator-commands.ts";
import {
  lettersText,
  letterText,
  pausedText,
  releasedText,
  reprovisioningText,
  restartedText,
} from "./supervision-text.ts";

/** Adds the commands by which an operator decides about what actors could not bear. */
export function addOperating(program: Command, environment: OperatingEnvironment): void {
  const { terminal } = environment;
  const { add: running, call } = operatorCommands(environment);

  running(
    program,
    "release",
    "let an agent out of quarantine",
    "Lets an agent and its conversations, or any other actor, out of quarantine: it tries again what it could not bear, takes what was kept for it, and may crash as often as before.",
    "letta-matrix release Scout",
    "letta-matrix release example.org/space/agents",
  )
    .argument(
      "<actor>",
      "an agent's name, its id in Letta or its user id; or the actor as `letta-matrix status` has it",
    )
    .action((actor: string, options: OperatorOptions) =>
      call({ command: releaseCommand, input: { actor } }, options, releasedText),
    );

  const meant = () => new Argument("<agent>", "its name, its id in Letta, or its user id");

  running(
    program,
    "pause",
    "have an agent wait",
    "Has an agent take in what is said to it, and ask Letta nothing until it is resumed. What is being answered is answered; in each room in which something waits the agent says so once. A restart of the program changes nothing in that.",
    "letta-matrix pause Scout",
    "letta-matrix pause Scout --reason 'the model is being changed'",
  )
    .addArgument(meant())
    .option("-r, --reason <text>", "why, for `letta-matrix status`")
    .action((agent: string, options: OperatorOptions & { readonly reason?: string }) =>
      call(
        { command: agentsPause, input: { agent, ...(options.reason !== undefined && { reason: options.reason }) } },
        options,
        pausedText,
      ),
    );

  running(
    program,
    "resume",
    "have a paused agent go on",
    "Has a paused agent go on: it answers what was said meanwhile, in order.",
    "letta-matrix resume Scout",
  )
    .addArgument(meant())
    .action((agent: string, options: OperatorOptions) =>
      call({ command: agentsResume, input: { agent } }, options, pausedText),
    );

  running(
    program,
    "restart",
    "stop and start an agent that is stuck",
    "Stops and starts an agent and its conversations: what they were doing begins again, nothing is lost or said twice. Their crashes are forgotten, so that they do not wait for their next try, and leave quarantine.",
    "letta-matrix restart Scout",
  )
    .addArgument(meant())
    .action((agent: string, options: OperatorOptions) =>
      call({ command: agentsRestart, input: { agent } }, options, restartedText),
    );

  running(
    program,
    "reprovision",
    "put an agent's user, room and place in the space right",
    "Has an agent look at its user, profile, room and place in the space from the start, and put right what is not as it should be. Only what is missing is made; `letta-matrix agent` shows how far it is.",
    "letta-matrix reprovision Scout",
  )
    .addArgument(meant())
    .action((agent: string, options: OperatorOptions) =>
      call({ command: agentsReprovision, input: { agent } }, options, reprovisioningText),
    );

  const letters = program
    .command("dead-letters")
    .summary("decide about what actors could not bear")
    .description(
      "What crashed its actor three times, and what could not be done for a day. It is kept until it is replayed or dropped. What people wrote is never shown.",
    );
  const id = () => new Argument("<id>", "which one, as `letta-matrix dead-letters list` has it");

  running(
    letters,
    "list",
    "list them",
    "Lists the dead letters: of which actor and type, since when, and why. `letta-matrix agent` shows the crash.",
    "letta-matrix dead-letters list",
    "letta-matrix dead-letters list --json | jq -r '.letters[].id'",
  ).action((options: OperatorOptions) =>
    call({ command: deadLettersQuery }, options, (all) => lettersText(all, terminal())),
  );

  running(
    letters,
    "replay",
    "give one to its actor once more",
    "Gives an event to its actor once more, as if it had just come, or has an action done once more; a question of a person's is asked, and answered below the plain error that it got.",
    "letta-matrix dead-letters replay 1764130000000-17",
  )
    .addArgument(id())
    .action((letter: string, options: OperatorOptions) =>
      call({ command: deadLettersReplay, input: { id: letter } }, options, (one) => letterText("replayed", one)),
    );

  running(
    letters,
    "drop",
    "forget one",
    "Forgets a dead letter for good, with what stands in it. The log keeps the reason.",
    "letta-matrix dead-letters drop 1764130000000-17 --reason 'spam'",
  )
    .addArgument(id())
    .requiredOption("-r, --reason <text>", "why, for the log")
    .action((letter: string, options: OperatorOptions & { readonly reason: string }) =>
      call({ command: deadLettersDrop, input: { id: letter, reason: options.reason } }, options, (one) =>
        letterText("dropped", one),
      ),
    );
}
