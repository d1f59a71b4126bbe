// For tests that begin with `@vitest-environment jsdom`; a page costs each of them a second, so the others do without.
import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";

// Finding things by role is slow work in jsdom, the more so beside other tests.
vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => localStorage.clear());
afterEach(cleanup);
