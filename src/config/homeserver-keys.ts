import { z } from "zod";
import { restart } from "./reload.ts";
import { text, url } from "./values.ts";

const connection = restart("the connection to the homeserver is made with it");
const coreUserReload = restart("core users are made, and logged in, at the start");

const registration = z.strictObject({
  shared_secret: text.optional().meta({
    description: "Synapse's registration_shared_secret.",
    example: "shared_secret: the-same-as-in-homeserver.yaml",
    reload: connection,
  }),
  shared_secret_file: text.optional().meta({
    description: "A file that holds Synapse's registration_shared_secret.",
    example: "shared_secret_file: registration_shared_secret",
    shown: true,
    reload: connection,
  }),
  registration_token: text.optional().meta({
    description: "A registration token, for homeservers without a shared secret.",
    example: "registration_token: a-token-of-unlimited-use",
    reload: connection,
  }),
  registration_token_file: text.optional().meta({
    description: "Instead of it, for homeservers without a shared secret: a file that holds a registration token.",
    example: "registration_token_file: /run/secrets/registration_token",
    reload: connection,
  }),
});

const appservice = z
  .strictObject({
    registration_file: text.optional().meta({
      description:
        "The registration that the homeserver has, too; `letta-matrix registration` writes it. With it the homeserver pushes what is said, nobody polls, and agents need no passwords.",
      example: "registration_file: letta-matrix-registration.yaml",
      reload: connection,
    }),
    listen: text
      .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/, "must be an address and a port, such as 127.0.0.1:29331")
      .default("127.0.0.1:29331")
      .meta({
        description: "Where the homeserver pushes to: the registration's url has to lead there.",
        example: "listen: 0.0.0.0:29331",
        reload: restart("it is listened there"),
      }),
  })
  .prefault({})
  .meta({ description: "How we are an application service of the homeserver's, which is best for many agents." });

/** The section `homeserver`. */
export const homeserver = z.strictObject({
  url: url(/^https?$/, "an http:// or https:// address").meta({
    description: "Where clients reach the homeserver, without /_matrix.",
    example: "url: http://localhost:8008",
    reload: connection,
  }),
  server_name: text.regex(/^[^\s/@]+$/, "must be a server name, without scheme or path").meta({
    description: "The part after the colon in its user ids.",
    example: "server_name: example.org",
    reload: restart("all users, rooms and records are named by it"),
  }),
  registration: registration.meta({
    description:
      "How the agents' users are created: exactly one of these, with or without _file. With an application service only the core users are created this way, and none is needed.",
    example: "registration: { shared_secret_file: /run/secrets/registration_shared_secret }",
  }),
  appservice,
  admin_token: text.optional().meta({
    description: "Access token of a Synapse server administrator.",
    example: "admin_token: syt_the_administrators_token",
    reload: connection,
  }),
  admin_token_file: text.optional().meta({
    description:
      "A file that holds the access token of a Synapse server administrator. With it, agents are exempted from rate limits (a new installation is up in a minute instead of an hour), and an agent whose password was changed gets its own one again.",
    example: "admin_token_file: /run/secrets/synapse_admin_token",
    reload: connection,
  }),
});

const coreUser = text
  .regex(/^[a-z0-9._=/+-]+$/, "must be the part between @ and : of a user id, or none")
  .max(200, "must be at most 200 characters");

/** The section `core_users`. */
export const coreUsers = z
  .strictObject({
    admin: coreUser.default("admin").meta({
      description: "The user that has all power in the space and in each agent's room; none for no such user.",
      example: "admin: admin",
      reload: coreUserReload,
    }),
    admin_password: text.optional().meta({
      description: "Its password, where it exists already and shall come into the rooms by itself; never changed.",
      example: "admin_password: the-password-it-has",
      reload: coreUserReload,
    }),
    admin_password_file: text.optional().meta({
      description:
        "A file that holds its password, where it exists already and shall come into the rooms by itself; never changed.",
      example: "admin_password_file: /run/secrets/matrix_admin_password",
      reload: coreUserReload,
    }),
    letta: coreUser.default("letta").meta({
      description: "The user that reads along in the space and in each agent's room; none for no such user.",
      example: "letta: letta",
      reload: coreUserReload,
    }),
    letta_password: text.optional().meta({
      description: "Its password, where it exists already and shall come into the rooms by itself; never changed.",
      example: "letta_password: the-password-it-has",
      reload: coreUserReload,
    }),
    letta_password_file: text.optional().meta({
      description:
        "A file that holds its password, where it exists already and shall come into the rooms by itself; never changed.",
      example: "letta_password_file: /run/secrets/matrix_letta_password",
      reload: coreUserReload,
    }),
  })
  .prefault({})
  .meta({
    description:
      "Two users that are in the space and in each agent's room by themselves. They are created where they do not exist, and their passwords are in the file passwords in the data folder. A user that exists is left as it is: it is invited, and comes by itself if its password stands here.",
  });
