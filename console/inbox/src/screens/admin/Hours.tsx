import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { inboxesQuery, teamsQuery, vendorsQuery } from "../../api/queries";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { Buttons, Read, Sheet, useSave } from "./parts";
import { read, written } from "./windows";

const KINDS = { team: "teams", inbox: "inboxes", vendor: "vendors" } as const;
const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** When teams, inboxes and outside firms are open: windows of the week, dates that differ, public holidays. */
export function Hours() {
  const { t } = useText();
  const hours = useQuery(admin.hoursQuery);
  const { data: teams } = useQuery(teamsQuery);
  const { data: inboxes } = useQuery(inboxesQuery);
  const { data: vendors } = useQuery(vendorsQuery);
  const owners = [
    ...(teams?.items ?? []).map(({ id, name }) => ({ value: `team:${id}`, label: t("admin.ownerTeam", { name }) })),
    ...(inboxes?.items ?? []).map(({ id, name }) => ({ value: `inbox:${id}`, label: t("admin.ownerInbox", { name }) })),
    ...(vendors?.items ?? []).map(({ id, name }) => ({ value: `vendor:${id}`, label: t("admin.ownerVendor", { name }) })),
  ];
  const [chosen, setChosen] = useState("");
  const owner = chosen || owners[0]?.value || "";
  return (
    <Sheet title={t("admin.hours")} intro={t("admin.hours.intro")}>
      <NativeSelect label={t("admin.owner")} value={owner} onChange={(event) => setChosen(event.currentTarget.value)} data={owners} />
      <Read query={hours}>
        {({ items }) => {
          const stated = items.find((each) => each.owner === owner);
          return owner ? <HoursForm key={`${owner} ${JSON.stringify(stated)}`} owner={owner} stated={stated} /> : null;
        }}
      </Read>
    </Sheet>
  );
}

function HoursForm({ owner, stated }: { owner: string; stated: admin.Hours | undefined }) {
  const text = useText();
  const { t } = text;
  const { save, busy } = useSave();
  const [kind = "", id = ""] = owner.split(":");
  const path = KINDS[kind as keyof typeof KINDS];
  const [zone, setZone] = useState(stated?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [week, setWeek] = useState(() => WEEKDAYS.map((_, place) => (stated ? written(stated.week[place] ?? []) : place < 5 ? "09:00-18:00" : "")));
  const [country, setCountry] = useState(stated?.country ?? "");
  const [region, setRegion] = useState(stated?.region ?? "");
  const [exceptions, setExceptions] = useState(() =>
    Object.entries(stated?.exceptions ?? {})
      .map(([day, windows]) => `${day} ${written(windows)}`.trim())
      .join("\n"),
  );

  const body = () => ({
    zone,
    week: week.map(read),
    country: country.trim().toUpperCase(),
    region: region.trim(),
    exceptions: Object.fromEntries(
      exceptions
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean)
        .map((line) => [line.slice(0, 10), read(line.slice(10))]),
    ),
  });

  return (
    <form
      className={classes.form}
      style={{ marginTop: 18 }}
      onSubmit={(event) => {
        event.preventDefault();
        void save(() => admin.setHours(path, id, body()));
      }}
    >
      {!stated && <p role="status">{t("admin.hours.none")}</p>}
      <TextInput required label={t("admin.zone")} value={zone} onChange={(event) => setZone(event.currentTarget.value)} />
      <div className={classes.days}>
        {WEEKDAYS.map((day, place) => (
          <TextInput
            key={day}
            label={t(`weekday.${day}`)}
            placeholder={t("admin.closed")}
            value={week[place] ?? ""}
            onChange={(event) => {
              const value = event.currentTarget.value;
              setWeek(week.map((each, at) => (at === place ? value : each)));
            }}
          />
        ))}
      </div>
      <div className={classes.row}>
        <TextInput label={t("admin.country")} description={t("admin.country.hint")} maxLength={2} value={country} onChange={(event) => setCountry(event.currentTarget.value)} />
        <TextInput label={t("admin.region")} description={t("admin.region.hint")} value={region} onChange={(event) => setRegion(event.currentTarget.value)} />
      </div>
      <Textarea
        label={t("admin.exceptions")}
        description={t("admin.exceptions.hint")}
        autosize
        minRows={2}
        value={exceptions}
        onChange={(event) => setExceptions(event.currentTarget.value)}
      />
      {stated && stated.holidays.length > 0 && <p className={classes.mark}>{t("admin.holidays", { days: stated.holidays.slice(0, 12).join(", ") })}</p>}
      {stated && (
        <div>
          <Button variant="default" onClick={() => void save(() => admin.forgetHours(path, id))}>
            {t("admin.hours.forget")}
          </Button>
        </div>
      )}
      <Buttons busy={busy} />
    </form>
  );
}
