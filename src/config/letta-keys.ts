import { z } from "zod";
import { agentToolNames, usualAgentTools } from "./agent-tools.ts";
import { restart } from "./reload.ts";
import { duration, flag, text, url } from "./values.ts";

const connection = restart("the connection to Letta is made with it");

/** The section `letta`. */
export const letta = z.strictObject({
  url: url(/^(wss?|https?)$/, "a ws(s):// (Letta App Server) or http(s):// address (Letta Cloud, Letta V1)").meta({
    description:
      "Where Letta is: ws:// or wss:// of a Letta App Server (`letta server --listen ws://127.0.0.1:4500`), or http:// or https:// of Letta's REST API: https://api.letta.com, or a Letta V1 server of your own (http://127.0.0.1:8283).",
    example: "url: ws://127.0.0.1:4500",
    reload: connection,
  }),
  token: text.optional().meta({
    description: "The App Server's token; needed when it does not run on this machine.",
    example: "token: the-app-servers-token",
    reload: connection,
  }),
  token_file: text.optional().meta({
    description: "A file that holds the App Server's token; needed when it does not run on this machine.",
    example: "token_file: /run/secrets/letta_token",
    reload: connection,
  }),
  api_key: text.optional().meta({
    description: "The key to Letta's REST API; Letta Cloud needs one, a server of your own may.",
    example: "api_key: the-key-from-letta",
    reload: connection,
  }),
  api_key_file: text.optional().meta({
    description: "A file that holds the key to Letta's REST API; Letta Cloud needs one, a server of your own may.",
    example: "api_key_file: /run/secrets/letta_api_key",
    reload: connection,
  }),
  tool_allow_list: z
    .array(text, "must be a list of tool names")
    .default([])
    .meta({
      description:
        "Letta tools that agents may use in rooms, by name, besides their own memory. What is on neither list is denied: whoever may write in an agent's room decides what its tools are used for, so a shell or file tool here is a shell for them. By the REST API Letta asks only before tools that need approval: there the agent's own settings decide on the others.",
      example: "tool_allow_list: [web_search]",
      reload: restart("each session with Letta is opened with it"),
    }),
  tool_ask_list: z
    .array(text, "must be a list of tool names")
    .default([])
    .meta({
      description:
        "Letta tools that agents may use when a person in the room has approved the call, each time: with !approve, or with ✅ on the agent's request.",
      example: "tool_ask_list: [run_code]",
      reload: restart("each session with Letta is opened with it"),
    }),
  matrix_tools: z
    .array(z.enum(agentToolNames, `must be one of ${agentToolNames.join(", ")}`), "must be a list of tool names")
    .default([...usualAgentTools])
    .meta({
      description: `Tools for Matrix that each agent has without any set-up, where Letta is an App Server, or with attach_tools: what it does by them, it does as its own user, and nobody is asked. With an App Server a name that is on tool_ask_list, too, is asked about, and [] is for none. With attach_tools the agent's settings in Letta decide who is asked, and what is taken off this list stays with the agents until attach_tools is switched off. There are: ${agentToolNames.join(", ")}.`,
      example: "matrix_tools: [send_message_to_agent, list_agents]",
      reload: restart("each session with Letta is opened with it"),
    }),
  attach_tools: flag.default(false).meta({
    description:
      "Where Letta is Letta Cloud or a V1 server: gives each agent the tools that matrix_tools names, which Letta then calls at api.public_url with a token of that agent's own. Needs api.listen and api.public_url. When it is switched off, they are taken away again.",
    example: "attach_tools: true",
    reload: restart("the agents are given their tools by it"),
  }),
  idle_timeout: duration.prefault("5m").meta({
    description: "How long an answer may stay silent before it is looked up. Durations have a unit: ms, s, m or h.",
    example: "idle_timeout: 5m",
    reload: restart("the answers under way are watched by it"),
  }),
});
