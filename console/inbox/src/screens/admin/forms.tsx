import { Button, Checkbox, NativeSelect, NumberInput } from "@mantine/core";
import type { MemberIn, SkillOut, TeamOut, TeamRulesIn } from "@centralita/shared/api";

import { useText } from "../../text";
import classes from "./Admin.module.css";

/** A number field's value: what is typed may be empty for a moment. */
export const number = (value: string | number, fallback = 0): number => (typeof value === "number" ? value : Number(value) || fallback);

/** All but one of the values. */
export const without = (values: Record<string, number>, gone: string): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== gone));

/** How a team's queue is served. */
export function RulesForm({ rules, onChange, teams, skills }: RulesFormProps) {
  const { t } = useText();
  const overflow = rules.overflow;
  const widening = rules.widening;
  const set = (part: Partial<TeamRulesIn>) => onChange({ ...rules, ...part });
  const free = teams.find(({ id }) => !overflow.some((each) => each.team_id === id));
  const lastStep = widening.at(-1);
  return (
    <>
      <div className={classes.row}>
        <NativeSelect
          label={t("admin.choice")}
          value={rules.choice}
          onChange={(event) => set({ choice: event.currentTarget.value as TeamRulesIn["choice"] })}
          data={[
            { value: "longest_idle", label: t("admin.choice.longest_idle") },
            { value: "least_loaded", label: t("admin.choice.least_loaded") },
          ]}
        />
        <NumberInput
          label={t("admin.wrapUp")}
          min={0}
          max={3600}
          value={rules.wrap_up_seconds}
          onChange={(value) => set({ wrap_up_seconds: number(value) })}
        />
      </div>
      <fieldset className={classes.form}>
        <legend>{t("admin.overflow")}</legend>
        {overflow.map((step, place) => (
          <div key={step.team_id} className={classes.row}>
            <NativeSelect
              label={t("floor.team")}
              value={step.team_id}
              onChange={(event) => {
                const team_id = event.currentTarget.value;
                set({ overflow: overflow.map((each, at) => (at === place ? { ...each, team_id } : each)) });
              }}
              data={teams.map(({ id, name }) => ({ value: id, label: name }))}
            />
            <NumberInput
              label={t("admin.afterSeconds")}
              min={0}
              value={step.after_seconds}
              onChange={(value) =>
                set({ overflow: overflow.map((each, at) => (at === place ? { ...each, after_seconds: number(value) } : each)) })
              }
            />
            <Button variant="default" onClick={() => set({ overflow: overflow.filter((_, at) => at !== place) })}>
              {t("admin.remove")}
            </Button>
          </div>
        ))}
        {free && (
          <div>
            <Button variant="light" onClick={() => set({ overflow: [...overflow, { team_id: free.id, after_seconds: 300 }] })}>
              {t("admin.addOverflow")}
            </Button>
          </div>
        )}
      </fieldset>
      <fieldset className={classes.form}>
        <legend>{t("admin.widening")}</legend>
        {widening.map((step, place) => {
          const change = (part: Partial<typeof step>) =>
            set({ widening: widening.map((each, at) => (at === place ? { ...each, ...part } : each)) });
          return (
            <div key={place} className={classes.form}>
              <div className={classes.row}>
                <NumberInput
                  label={t("admin.afterSeconds")}
                  min={1}
                  value={step.after_seconds}
                  onChange={(value) => change({ after_seconds: number(value, 1) })}
                />
                <NumberInput
                  label={t("admin.lower")}
                  min={0}
                  max={5}
                  value={step.lower}
                  onChange={(value) => change({ lower: number(value) })}
                />
                <Button variant="default" onClick={() => set({ widening: widening.filter((_, at) => at !== place) })}>
                  {t("admin.remove")}
                </Button>
              </div>
              {skills.length > 0 && (
                <Checkbox.Group
                  label={t("admin.optional")}
                  value={step.optional}
                  onChange={(optional) => change({ optional })}
                >
                  <div className={classes.row}>
                    {skills.map(({ name }) => (
                      <Checkbox key={name} value={name} label={name} />
                    ))}
                  </div>
                </Checkbox.Group>
              )}
            </div>
          );
        })}
        <div>
          <Button
            variant="light"
            onClick={() =>
              set({
                widening: [
                  ...widening,
                  {
                    after_seconds: (lastStep?.after_seconds ?? 0) + 120,
                    lower: Math.min(5, (lastStep?.lower ?? 0) + 1),
                    optional: lastStep?.optional ?? [],
                  },
                ],
              })
            }
          >
            {t("admin.addStep")}
          </Button>
        </div>
      </fieldset>
    </>
  );
}

interface RulesFormProps {
  rules: TeamRulesIn;
  onChange: (rules: TeamRulesIn) => void;
  /** Those who may help out: the other teams. */
  teams: TeamOut[];
  skills: SkillOut[];
}

const CHANNELS = ["voice", "webchat", "sms", "email", "whatsapp"] as const;
const USUAL: Record<string, number> = { voice: 1, webchat: 3, sms: 5, email: 10 };
const OTHERS = 3;

/** What somebody can do, how much at once, and for which teams. */
export function MemberForm({ member, onChange, teams, skills }: MemberFormProps) {
  const { t, word } = useText();
  const levels = member.skills;
  const capacity = member.capacity ?? null;
  const set = (part: Partial<MemberIn>) => onChange({ ...member, ...part });
  return (
    <>
      <Checkbox.Group label={t("nav.teams")} value={member.team_ids} onChange={(team_ids) => set({ team_ids })}>
        <div className={classes.row}>
          {teams.map(({ id, name }) => (
            <Checkbox key={id} value={id} label={name} />
          ))}
        </div>
      </Checkbox.Group>
      <fieldset className={classes.form}>
        <legend>{t("admin.skillLevels")}</legend>
        <div className={classes.days}>
          {skills.map(({ name }) => (
            <NativeSelect
              key={name}
              label={name}
              value={String(levels[name] ?? 0)}
              onChange={(event) => {
                const others = without(levels, name);
                const level = Number(event.currentTarget.value);
                set({ skills: level ? { ...others, [name]: level } : others });
              }}
              data={["0", "1", "2", "3", "4", "5"].map((value) => ({ value, label: value === "0" ? "–" : value }))}
            />
          ))}
        </div>
      </fieldset>
      <fieldset className={classes.form}>
        <legend>{t("admin.capacity")}</legend>
        <Checkbox
          label={t("admin.usualCapacity")}
          checked={capacity === null}
          onChange={(event) =>
            set({
              capacity: event.currentTarget.checked
                ? null
                : Object.fromEntries(CHANNELS.map((channel) => [channel, USUAL[channel] ?? OTHERS])),
            })
          }
        />
        {capacity && (
          <div className={classes.days}>
            {CHANNELS.map((channel) => (
              <NumberInput
                key={channel}
                label={word("channel", channel)}
                min={0}
                max={50}
                value={capacity[channel] ?? OTHERS}
                onChange={(value) => set({ capacity: { ...capacity, [channel]: number(value) } })}
              />
            ))}
          </div>
        )}
      </fieldset>
    </>
  );
}

interface MemberFormProps {
  member: MemberIn;
  onChange: (member: MemberIn) => void;
  teams: TeamOut[];
  skills: SkillOut[];
}
