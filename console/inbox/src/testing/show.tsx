/** Shows a part of the app as it stands in it, for tests in jsdom. */
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { render, type RenderResult } from "@testing-library/react";
import type { ReactNode } from "react";

import { keys, makeQueryClient } from "../api/queries";
import { AGENT } from "./made";

// What the components ask of a browser and jsdom has not.
window.matchMedia = (media) => ({ matches: false, media, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList;
globalThis.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
Object.defineProperty(document, "fonts", { value: new EventTarget() });
// Not there either: a list's chosen line is brought into view.
Element.prototype.scrollIntoView = () => undefined;

/** With `AGENT` signed in. */
export function show(children: ReactNode, client: QueryClient = makeQueryClient()): RenderResult {
  client.setQueryData(keys.session, { agent: AGENT, csrf_token: "" });
  return render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    </MantineProvider>,
  );
}
