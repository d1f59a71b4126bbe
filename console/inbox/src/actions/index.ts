import { askVendor } from "./askVendor";
import { assign } from "./assign";
import { bringIn } from "./bringIn";
import { handBack } from "./handBack";
import { leave } from "./leave";
import { merge } from "./merge";
import { reopen } from "./reopen";
import { resolve } from "./resolve";
import { setPriority } from "./setPriority";
import { snooze } from "./snooze";
import { split } from "./split";
import { take } from "./take";
import { transfer } from "./transfer";

/** Those with a key of their own stand in the help sheet by themselves. */
export const ACTIONS = [take, assign, transfer, resolve, reopen, snooze, handBack, setPriority, bringIn, leave, askVendor, merge, split];
