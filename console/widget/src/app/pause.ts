/** The pause before the n-th repetition of what failed. */

export interface Pause {
  over: Promise<void>;
  /** Ends it now. */
  cut: () => void;
}

const LONGEST = 15_000;

/** Doubles each time, is spread so that not everybody comes back at once, and lasts at least `atLeast` milliseconds. */
export function pause(attempt: number, atLeast = 0): Pause {
  let cut: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    cut = resolve;
    setTimeout(resolve, Math.max(atLeast, Math.min(1000 * 2 ** attempt, LONGEST) * (0.5 + Math.random() / 2)));
  });
  return { over, cut };
}
