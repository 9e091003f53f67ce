import { keys } from "./keys.js";
import { live } from "./live.js";
import { passkeys } from "./passkeys.js";

keys();
live();
passkeys();
