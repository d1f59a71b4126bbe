import { useRouter } from "@tanstack/react-router";

import { Failed } from "../parts/Pane";

/** The whole app could not be opened, or a screen broke. */
export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  const router = useRouter();
  return (
    <Failed
      error={error}
      again={() => {
        reset();
        void router.invalidate();
      }}
    />
  );
}
