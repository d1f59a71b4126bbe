import { Button, TextInput } from "@mantine/core";
import type { AgentOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { agentsQuery } from "../../api/queries";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { Read, Sheet, useSave } from "./parts";
import { read, written } from "./windows";

const own = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
/** A date on this computer's clock, as 2026-12-25. */
export const dayFrom = (days: number) => {
  const day = new Date();
  day.setDate(day.getDate() + days);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
};

/** Who works on a date, as plain windows. */
export function Shifts() {
  const { t } = useText();
  const [day, setDay] = useState(dayFrom(1));
  const [zone, setZone] = useState(own);
  const agents = useQuery(agentsQuery);
  const shifts = useQuery({ ...admin.shiftsQuery(day), enabled: day !== "" });
  return (
    <Sheet title={t("admin.shifts")} intro={t("admin.shifts.intro")}>
      <div className={classes.row}>
        <TextInput type="date" label={t("admin.day")} value={day} onChange={(event) => setDay(event.currentTarget.value)} />
        <TextInput label={t("admin.zone")} value={zone} onChange={(event) => setZone(event.currentTarget.value)} />
      </div>
      <Read query={agents}>
        {({ items }) => (
          <Read query={shifts}>
            {(known) => (
              <div className={classes.form} style={{ marginTop: 18 }}>
                {items.map((agent) => (
                  <Shift
                    key={`${agent.id} ${day}`}
                    agent={agent}
                    day={day}
                    zone={zone}
                    known={known.items.find((each) => each.agent.id === agent.id)}
                  />
                ))}
              </div>
            )}
          </Read>
        )}
      </Read>
    </Sheet>
  );
}

function Shift({ agent, day, zone, known }: { agent: AgentOut; day: string; zone: string; known: admin.Shift | undefined }) {
  const { t } = useText();
  const { save, busy } = useSave();
  const [windows, setWindows] = useState(known ? written(known.windows) : "");
  return (
    <form
      className={classes.row}
      onSubmit={(event) => {
        event.preventDefault();
        void save(() => admin.setShift(agent.id, day, { zone, windows: read(windows) }));
      }}
    >
      <TextInput
        label={agent.name}
        placeholder="09:00-14:00, 15:00-18:00"
        description={known && known.zone !== zone ? known.zone : undefined}
        value={windows}
        onChange={(event) => setWindows(event.currentTarget.value)}
      />
      <Button type="submit" variant="light" loading={busy} aria-label={t("admin.saveNamed", { name: agent.name })}>
        {t("admin.save")}
      </Button>
    </form>
  );
}
