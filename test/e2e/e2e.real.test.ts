import { everyday } from "./everyday.ts";

everyday("client-server");
