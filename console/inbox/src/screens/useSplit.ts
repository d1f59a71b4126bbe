import { useMemo, useState } from "react";

export interface Split {
  active: boolean;
  chosen: ReadonlySet<string>;
  begin: () => void;
  end: () => void;
  toggle: (messageId: string) => void;
}

/** Which messages are being chosen for a conversation of their own. */
export function useSplit(): Split {
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  // The same object until something is chosen: every message of a thread is given it.
  return useMemo(
    () => ({
      active: chosen !== null,
      chosen: chosen ?? new Set(),
      begin: () => setChosen(new Set()),
      end: () => setChosen(null),
      toggle: (messageId) =>
        setChosen((now) => {
          const next = new Set(now);
          if (!next.delete(messageId)) next.add(messageId);
          return next;
        }),
    }),
    [chosen],
  );
}
