import { killed } from "./killed.ts";

killed([
  ["letta-matrix", ["received", "asked"]],
  ["letta-matrix", ["mid-stream", "final-committed"]],
  ["letta-matrix", ["sending", "acknowledged"]],
  ["letta-matrix", ["committing", "written", "starting", "stopping"]],
  ["letta-matrix", ["after register", "before createRoom"]],
  ["synapse", ["received", "sending"]],
  ["all", ["first-token", "sent"]],
]);
