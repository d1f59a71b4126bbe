/** What the chat remembers in this browser: localStorage of the hub's own origin, or memory where that is forbidden. */

export interface Memory {
  get(name: string): string | null;
  set(name: string, value: string | null): void;
}

export function memory(prefix: string, storage: () => Storage): Memory {
  const fallback = new Map<string, string>();
  return {
    get(name) {
      try {
        return storage().getItem(prefix + name) ?? fallback.get(name) ?? null;
      } catch {
        return fallback.get(name) ?? null;
      }
    },
    set(name, value) {
      fallback.delete(name);
      try {
        if (value === null) storage().removeItem(prefix + name);
        else storage().setItem(prefix + name, value);
      } catch {
        // Forbidden or full: this page goes on with what it has in memory.
        if (value !== null) fallback.set(name, value);
      }
    },
  };
}
