import { keys } from "./keys.js";
import { live } from "./live.js";

keys();
live();
