// @vitest-environment jsdom
import "../testing/dom";

import type { ReactNode } from "react";
import { expect, it, vi } from "vitest";

import { makeQueryClient } from "../api/queries";
import { show } from "../testing/show";
import { KnowledgeTabs } from "./KnowledgeTabs";

vi.mock("@tanstack/react-router", () => ({
  Link: ({ to, children }: { to: string; children: ReactNode }) => (
    <a href={to} aria-current={to === "/articles/topics" ? "page" : undefined}>
      {children}
    </a>
  ),
}));
vi.mock("../session/permissions", () => ({ may: () => true }));

it("brings the chosen one into sight, where a phone shows only some", () => {
  const shown: (string | null)[] = [];
  Element.prototype.scrollIntoView = function () {
    shown.push(this.getAttribute("href"));
  };
  show(<KnowledgeTabs />, makeQueryClient());
  expect(shown).toEqual(["/articles/topics"]);
});
