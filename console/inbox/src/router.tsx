import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  notFound,
  Outlet,
  redirect,
} from "@tanstack/react-router";

import { HubError, setCsrfToken } from "./api/http";
import * as hub from "./api/hub";
import { sessionQuery } from "./api/queries";
import { goLive, isLive } from "./live/connection";
import { Broken } from "./screens/Broken";
import { Opening } from "./screens/Opening";
import { may } from "./session/permissions";

export const VIEWS = ["queue", "mine", "helping", "all", "bot", "snoozed", "resolved"] as const satisfies hub.View[];

const rootRoute = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet, errorComponent: Broken });

const text = (value: unknown) => (typeof value === "string" && value ? value : undefined);

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string; ended?: boolean } => {
    const next = text(search.next);
    // Only a path of this app: anything else would let a link send people elsewhere after they signed in.
    return {
      ...(next && /^\/(?!\/)/.test(next) ? { next } : {}),
      ...(search.ended === true ? { ended: true } : {}),
    };
  },
  component: lazyRouteComponent(() => import("./screens/SignIn"), "SignIn"),
});

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "shell",
  beforeLoad: async ({ context: { client }, location }) => {
    const known = client.getQueryData(sessionQuery.queryKey);
    if (isLive() || (known && !may(known.agent, "converse"))) return;
    // The cursor is read before any list is, so that nothing can fall between the two.
    const feed = hub.events(null);
    feed.catch(() => undefined);
    try {
      const session = await client.query({ ...sessionQuery, staleTime: "static" });
      setCsrfToken(session.csrf_token);
      const { cursor } = may(session.agent, "converse") ? await feed : { cursor: null };
      if (cursor !== null) goLive(client, cursor);
    } catch (error) {
      if (error instanceof HubError && error.status === 401) {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
        throw redirect({ to: "/sign-in", search: location.pathname === "/" ? {} : { next: location.pathname } });
      }
      throw error;
    }
  },
  component: lazyRouteComponent(() => import("./screens/Shell"), "Shell"),
  pendingComponent: Opening,
  errorComponent: Broken,
});

const indexRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/",
  beforeLoad: async ({ context: { client } }) => {
    const { agent } = await client.query({ ...sessionQuery, staleTime: "static" });
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    throw may(agent, "converse") ? redirect({ to: "/$view", params: { view: "queue" } }) : redirect({ to: "/articles" });
  },
});

export interface ConversationsSearch {
  team?: string;
  panel?: "details" | "none";
}

const viewRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/$view",
  params: {
    parse: ({ view }): { view: hub.View } => {
      const known = VIEWS.find((each) => each === view);
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to answer "not found"
      if (!known) throw notFound();
      return { view: known };
    },
  },
  validateSearch: (search: Record<string, unknown>): ConversationsSearch => {
    const team = text(search.team);
    const panel = search.panel === "details" || search.panel === "none" ? search.panel : undefined;
    return { ...(team ? { team } : {}), ...(panel ? { panel } : {}) };
  },
  beforeLoad: async ({ context: { client } }) => {
    const { agent } = await client.query({ ...sessionQuery, staleTime: "static" });
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    if (!may(agent, "converse")) throw redirect({ to: "/articles" });
  },
  component: lazyRouteComponent(() => import("./screens/Conversations"), "Conversations"),
});

const noConversationRoute = createRoute({
  getParentRoute: () => viewRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./screens/NoConversation"), "NoConversation"),
});

const conversationRoute = createRoute({
  getParentRoute: () => viewRoute,
  path: "/$conversationId",
  component: lazyRouteComponent(() => import("./screens/Conversation"), "Conversation"),
});

const articlesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/articles",
  component: lazyRouteComponent(() => import("./screens/Articles"), "Articles"),
});

const newArticleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/articles/new",
  validateSearch: (search: Record<string, unknown>): { article?: string; locale?: string } => {
    const [article, locale] = [text(search.article), text(search.locale)];
    return { ...(article ? { article } : {}), ...(locale ? { locale } : {}) };
  },
  component: lazyRouteComponent(() => import("./screens/Article"), "NewArticle"),
});

const checksRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/articles/checks",
  component: lazyRouteComponent(() => import("./screens/KnowledgeParts"), "KnowledgeChecks"),
});

const questionsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/articles/questions",
  component: lazyRouteComponent(() => import("./screens/KnowledgeParts"), "KnowledgeQuestions"),
});

const topicsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/articles/topics",
  component: lazyRouteComponent(() => import("./screens/KnowledgeParts"), "KnowledgeTopics"),
});

const articleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/articles/$articleId/$locale",
  component: lazyRouteComponent(() => import("./screens/Article"), "Article"),
});

const LEARNING = ["gaps", "lessons", "cases", "backtest"] as const;

const learningRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/learning",
  validateSearch: (search: Record<string, unknown>): { tab?: (typeof LEARNING)[number] } => {
    const tab = LEARNING.find((each) => each === search.tab);
    return tab ? { tab } : {};
  },
  component: lazyRouteComponent(() => import("./screens/Learning"), "Learning"),
});

const healthRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/health",
  component: lazyRouteComponent(() => import("./screens/Health"), "Health"),
});

const floorRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/floor",
  component: lazyRouteComponent(() => import("./screens/Floor"), "Floor"),
});

const heldBackRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/held-back",
  component: lazyRouteComponent(() => import("./screens/HeldBack"), "HeldBack"),
});

const invitationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/invitation",
  component: lazyRouteComponent(() => import("./screens/Invitation"), "Invitation"),
});

const settingsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("./screens/admin/Settings"), "Settings"),
});

const settingsIndexRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: "/",
  beforeLoad: async ({ context: { client } }) => {
    const { agent } = await client.query({ ...sessionQuery, staleTime: "static" });
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way to redirect
    throw redirect({ to: may(agent, "edit_people") ? "/settings/people" : may(agent, "edit_routing") ? "/settings/teams" : "/settings/staffing" });
  },
});

const settingsRoutes = [
  settingsIndexRoute,
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/people",
    component: lazyRouteComponent(() => import("./screens/admin/People"), "People"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/inboxes",
    component: lazyRouteComponent(() => import("./screens/admin/Inboxes"), "Inboxes"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/teams",
    component: lazyRouteComponent(() => import("./screens/admin/Teams"), "Teams"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/skills",
    component: lazyRouteComponent(() => import("./screens/admin/Skills"), "Skills"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/shifts",
    component: lazyRouteComponent(() => import("./screens/admin/Shifts"), "Shifts"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/hours",
    component: lazyRouteComponent(() => import("./screens/admin/Hours"), "Hours"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/promises",
    component: lazyRouteComponent(() => import("./screens/admin/Promises"), "Promises"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/answers",
    component: lazyRouteComponent(() => import("./screens/admin/Answers"), "Answers"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/reasons",
    component: lazyRouteComponent(() => import("./screens/admin/Lists"), "Reasons"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/vendors",
    component: lazyRouteComponent(() => import("./screens/admin/Vendors"), "Vendors"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/questions",
    component: lazyRouteComponent(() => import("./screens/admin/Lists"), "Questions"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/try",
    component: lazyRouteComponent(() => import("./screens/admin/TryOut"), "TryOut"),
  }),
  createRoute({
    getParentRoute: () => settingsRoute,
    path: "/staffing",
    component: lazyRouteComponent(() => import("./screens/admin/Staffing"), "Staffing"),
  }),
] as const;

const routeTree = rootRoute.addChildren([
  signInRoute,
  invitationRoute,
  shellRoute.addChildren([
    indexRoute,
    articlesRoute,
    newArticleRoute,
    checksRoute,
    questionsRoute,
    topicsRoute,
    articleRoute,
    learningRoute,
    healthRoute,
    floorRoute,
    settingsRoute.addChildren(settingsRoutes),
    heldBackRoute,
    viewRoute.addChildren([noConversationRoute, conversationRoute]),
  ]),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree,
    basepath: "/inbox",
    context: { client },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
