/** What the settings' screens ask of the hub; docs/api.md describes it. */
import type {
  AnsweringIn,
  DryRunIn,
  ForecastIn,
  HoursIn,
  MemberIn,
  NewPersonIn,
  NewTeamIn,
  PersonIn,
  PolicyIn,
  IdentityQuestionIn,
  ReasonIn,
  ShiftIn,
  SkillIn,
  StaffingIn,
  TeamIn,
  TeamRulesIn,
  VendorIn,
} from "@centralita/shared/api";

import { queryOptions } from "@tanstack/react-query";

import { answerOf, api } from "./http";

export type Mode = "manual" | "offer" | "automatic";
/** Whose open hours are stated. */
export type OwnerKind = "teams" | "inboxes" | "vendors";

const agent = (agent_id: string) => ({ params: { path: { agent_id } } });
const team = (team_id: string) => ({ params: { path: { team_id } } });

export const people = () => answerOf(api.GET("/api/v1/people"));
export const addPerson = (body: NewPersonIn) => answerOf(api.POST("/api/v1/people", { body }));
export const changePerson = (id: string, body: PersonIn) =>
  answerOf(api.PUT("/api/v1/people/{agent_id}", { ...agent(id), body }));
export const invite = (id: string) => answerOf(api.POST("/api/v1/people/{agent_id}/invitation", agent(id)));
export const openInvitation = (token: string) => answerOf(api.POST("/api/v1/invitations/open", { body: { token } }));
export const acceptInvitation = (token: string, password: string) =>
  answerOf(api.POST("/api/v1/invitations/accept", { body: { token, password } }));

export const addTeam = (body: NewTeamIn) => answerOf(api.POST("/api/v1/teams", { body }));
export const teamDetail = (id: string) => answerOf(api.GET("/api/v1/teams/{team_id}", team(id)));
export const changeTeam = (id: string, body: TeamIn) => answerOf(api.PUT("/api/v1/teams/{team_id}", { ...team(id), body }));
export const rules = (id: string) => answerOf(api.GET("/api/v1/teams/{team_id}/routing", team(id)));
export const setRules = (id: string, body: TeamRulesIn) =>
  answerOf(api.PUT("/api/v1/teams/{team_id}/routing", { ...team(id), body }));
export const setMode = (inbox_id: string, mode: Mode) =>
  answerOf(api.PUT("/api/v1/inboxes/{inbox_id}/routing", { params: { path: { inbox_id } }, body: { mode } }));

export const answering = () => answerOf(api.GET("/api/v1/answering"));
export const setAnswering = (inbox_id: string, body: AnsweringIn) =>
  answerOf(api.PUT("/api/v1/inboxes/{inbox_id}/answering", { params: { path: { inbox_id } }, body }));

export const skills = () => answerOf(api.GET("/api/v1/skills"));
export const setSkill = (name: string, body: SkillIn) =>
  answerOf(api.PUT("/api/v1/skills/{name}", { params: { path: { name } }, body }));
export const removeSkill = (name: string) => answerOf(api.DELETE("/api/v1/skills/{name}", { params: { path: { name } } }));
export const member = (id: string) => answerOf(api.GET("/api/v1/agents/{agent_id}/routing", agent(id)));
export const setMember = (id: string, body: MemberIn) =>
  answerOf(api.PUT("/api/v1/agents/{agent_id}/routing", { ...agent(id), body }));

export const shifts = (day: string) => answerOf(api.GET("/api/v1/shifts", { params: { query: { first: day, last: day } } }));
export const setShift = (agent_id: string, day: string, body: ShiftIn) =>
  answerOf(api.PUT("/api/v1/agents/{agent_id}/shifts/{day}", { params: { path: { agent_id, day } }, body }));

export const hours = () => answerOf(api.GET("/api/v1/opening-hours"));
export const setHours = (kind: OwnerKind, id: string, body: HoursIn) => {
  if (kind === "teams") return answerOf(api.PUT("/api/v1/teams/{team_id}/opening-hours", { ...team(id), body }));
  if (kind === "inboxes")
    return answerOf(api.PUT("/api/v1/inboxes/{inbox_id}/opening-hours", { params: { path: { inbox_id: id } }, body }));
  return answerOf(api.PUT("/api/v1/vendors/{vendor_id}/opening-hours", { params: { path: { vendor_id: id } }, body }));
};
export const forgetHours = (kind: OwnerKind, id: string) => {
  if (kind === "teams") return answerOf(api.DELETE("/api/v1/teams/{team_id}/opening-hours", team(id)));
  if (kind === "inboxes")
    return answerOf(api.DELETE("/api/v1/inboxes/{inbox_id}/opening-hours", { params: { path: { inbox_id: id } } }));
  return answerOf(api.DELETE("/api/v1/vendors/{vendor_id}/opening-hours", { params: { path: { vendor_id: id } } }));
};

export const policies = () => answerOf(api.GET("/api/v1/sla-policies"));
export const savePolicy = (id: string, body: PolicyIn) =>
  id
    ? answerOf(api.PUT("/api/v1/sla-policies/{policy_id}", { params: { path: { policy_id: id } }, body }))
    : answerOf(api.POST("/api/v1/sla-policies", { body }));
export const withdrawPolicy = (policy_id: string) =>
  answerOf(api.DELETE("/api/v1/sla-policies/{policy_id}", { params: { path: { policy_id } } }));

export const setReason = (code: string, body: ReasonIn) =>
  answerOf(api.PUT("/api/v1/presence-reasons/{code}", { params: { path: { code } }, body }));
export const removeReason = (code: string) =>
  answerOf(api.DELETE("/api/v1/presence-reasons/{code}", { params: { path: { code } } }));

export const saveVendor = (vendor_id: string, body: VendorIn) =>
  vendor_id
    ? answerOf(api.PUT("/api/v1/vendors/{vendor_id}", { params: { path: { vendor_id } }, body }))
    : answerOf(api.POST("/api/v1/vendors", { body }));

export const questions = () => answerOf(api.GET("/api/v1/questions"));
export const setQuestion = (name: string, body: IdentityQuestionIn) =>
  answerOf(api.PUT("/api/v1/questions/{name}", { params: { path: { name } }, body }));
export const removeQuestion = (name: string) =>
  answerOf(api.DELETE("/api/v1/questions/{name}", { params: { path: { name } } }));

export const dryRun = (body: DryRunIn) => answerOf(api.POST("/api/v1/routing/dry-run", { body }));
export const forecast = (body: ForecastIn) => answerOf(api.POST("/api/v1/routing/forecast", { body }));
export const staffing = (body: StaffingIn) => answerOf(api.POST("/api/v1/staffing", { body }));

// As the calls give them: pairs of times come as lists.
export type Shift = Awaited<ReturnType<typeof shifts>>["items"][number];
export type Hours = Awaited<ReturnType<typeof hours>>["items"][number];

// No event tells when these change: they are read afresh whenever a screen is opened.
const fresh = { staleTime: 0 } as const;
export const peopleQuery = queryOptions({ queryKey: ["admin", "people"], queryFn: people, ...fresh });
export const skillsQuery = queryOptions({ queryKey: ["admin", "skills"], queryFn: skills, ...fresh });
export const hoursQuery = queryOptions({ queryKey: ["admin", "hours"], queryFn: hours, ...fresh });
export const answeringQuery = queryOptions({ queryKey: ["admin", "answering"], queryFn: answering, ...fresh });
export const policiesQuery = queryOptions({ queryKey: ["admin", "policies"], queryFn: policies, ...fresh });
export const questionsQuery = queryOptions({ queryKey: ["admin", "questions"], queryFn: questions, ...fresh });
export const teamQuery = (id: string) => queryOptions({ queryKey: ["admin", "team", id], queryFn: () => teamDetail(id), ...fresh });
export const rulesQuery = (id: string) => queryOptions({ queryKey: ["admin", "rules", id], queryFn: () => rules(id), ...fresh });
export const memberQuery = (id: string) => queryOptions({ queryKey: ["admin", "member", id], queryFn: () => member(id), ...fresh });
export const shiftsQuery = (day: string) => queryOptions({ queryKey: ["admin", "shifts", day], queryFn: () => shifts(day), ...fresh });
