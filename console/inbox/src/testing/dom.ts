// For tests that begin with `@vitest-environment jsdom`; a page costs each of them a second, so the others do without.
import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";

beforeEach(() => localStorage.clear());
afterEach(cleanup);
