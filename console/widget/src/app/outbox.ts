/**
 * Messages on their way: in order, each at least once, and the hub stores one `client_id` once. They rest in the
 * browser's storage alone, so that neither a reload nor a second tab loses or overtakes one.
 */
import { Failure } from "./hub";
import { pause } from "./pause";
import type { Memory } from "./storage";
import type { Accepted, Pending } from "./types";

export interface OutboxOptions {
  memory: Memory;
  send: (message: Pending) => Promise<Accepted>;
  onAccepted: (message: Pending, accepted: Accepted) => void;
  onRefused: (message: Pending, problem: string) => void;
}

export interface Outbox {
  waiting(): Pending[];
  add(message: Pending): void;
  clear(): void;
  /** Sends what waits, at once: a pause between two attempts is cut short. */
  flush(): Promise<void>;
}

const NAME = "outbox";

export function createOutbox({ memory, send, onAccepted, onRefused }: OutboxOptions): Outbox {
  let running = false;
  let cut: () => void = () => undefined;

  function waiting(): Pending[] {
    try {
      return JSON.parse(memory.get(NAME) ?? "[]") as Pending[];
    } catch {
      return []; // somebody else's writing under our name
    }
  }

  function save(messages: Pending[]): void {
    memory.set(NAME, JSON.stringify(messages));
  }

  async function flush(): Promise<void> {
    cut();
    if (running) return;
    running = true;
    let attempt = 0;
    for (let message = waiting()[0]; message; message = waiting()[0]) {
      const { client_id } = message;
      const done = () => save(waiting().filter((each) => each.client_id !== client_id));
      try {
        const accepted = await send(message);
        done();
        onAccepted(message, accepted);
        attempt = 0;
      } catch (error) {
        if (error instanceof Failure && error.refused) {
          done();
          onRefused(message, error.message);
        } else {
          const rest = pause(attempt++, error instanceof Failure ? error.retryAfter : 0);
          cut = rest.cut;
          await rest.over;
        }
      }
    }
    running = false;
  }

  return {
    waiting,
    add(message) {
      save([...waiting(), message]);
      void flush();
    },
    clear: () => save([]),
    flush,
  };
}
