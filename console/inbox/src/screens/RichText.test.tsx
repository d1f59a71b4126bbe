// @vitest-environment jsdom
import "../testing/dom";

import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { show } from "../testing/show";
import { RichText } from "./RichText";

// Whoever speaks to their machine says what they see: a sign such as "1." would have to be in the name.
it("shows no signs on the editor's buttons that could be read but are not in their names", () => {
  show(<RichText html="<p>Hello</p>" label="Text" lang="en" editable onChange={() => undefined} onProblem={() => undefined} />);
  const buttons = within(screen.getByRole("toolbar")).getAllByRole("button");
  expect(buttons).toHaveLength(8);
  for (const button of buttons) {
    expect(button.textContent).toBe("");
    expect(button.getAttribute("aria-label")).toBeTruthy();
    expect(button.querySelector("svg")).not.toBeNull();
  }
});
