/**
 * Messages on their way: in order, each at least once, and the hub stores one `client_id` once. They rest in the
 * browser's storage alone, so that neither a reload nor a second tab loses or overtakes one.
 */
import { Failure } from "./hub";
import type { Memory } from "./storage";
import type { Accepted, Pending } from "./types";

export interface OutboxOptions {
  memory: Memory;
  send: (message: Pending) => Promise<Accepted>;
  onAccepted: (message: Pending, accepted: Accepted) => void;
  onRefused: (message: Pending, failure: Failure) => void;
  /** Milliseconds before the n-th repetition. */
  retryDelay?: (attempt: number) => number;
}

const NAME = "outbox";

export class Outbox {
  private running = false;
  private wakeUp: (() => void) | null = null;

  constructor(private readonly options: OutboxOptions) {}

  waiting(): Pending[] {
    try {
      const found: unknown = JSON.parse(this.options.memory.get(NAME) ?? "[]");
      return Array.isArray(found) ? (found as Pending[]) : [];
    } catch {
      return []; // somebody else's writing under our name
    }
  }

  add(message: Pending): void {
    this.save([...this.waiting(), message]);
    void this.flush();
  }

  /** The connection may be back: do not wait out the pause. */
  wake(): void {
    this.wakeUp?.();
    void this.flush();
  }

  clear(): void {
    this.save([]);
  }

  async flush(): Promise<void> {
    if (this.running) return;
    this.running = true;
    let attempt = 0;
    for (let next = this.waiting()[0]; next; next = this.waiting()[0]) {
      const message = next;
      try {
        const accepted = await this.options.send(message);
        this.remove(message);
        this.options.onAccepted(message, accepted);
        attempt = 0;
      } catch (error) {
        if (error instanceof Failure && error.refused) {
          this.remove(message);
          this.options.onRefused(message, error);
        } else {
          await this.pause(attempt++, error instanceof Failure ? error.retryAfter : 0);
        }
      }
    }
    this.running = false;
  }

  private remove(message: Pending): void {
    this.save(this.waiting().filter((each) => each.client_id !== message.client_id));
  }

  private save(messages: Pending[]): void {
    this.options.memory.set(NAME, messages.length ? JSON.stringify(messages) : null);
  }

  private pause(attempt: number, atLeast: number): Promise<void> {
    const delay = this.options.retryDelay?.(attempt) ?? Math.min(1000 * 2 ** attempt, 15_000);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(delay, atLeast));
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
