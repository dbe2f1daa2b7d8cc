import { everyday } from "./everyday.ts";

everyday("appservice");
