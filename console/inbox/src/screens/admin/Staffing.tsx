import { Button, NumberInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { StaffingIn, StaffingOut } from "@centralita/shared/api";
import { useState } from "react";

import { explain } from "../../actions/explain";
import * as admin from "../../api/admin";
import { share } from "../../format/number";
import { useText } from "../../text";
import classes from "./Admin.module.css";
import { number } from "./forms";
import { Sheet, Table } from "./parts";

const BEGIN: Required<StaffingIn> = {
  customers: 100,
  minutes: 30,
  handling_seconds: 180,
  patience_seconds: 120,
  target_seconds: 20,
  service_level: 0.8,
  most_abandoned: 1,
  most_occupancy: 1,
};
const WHOLE = ["customers", "minutes", "handling_seconds", "patience_seconds", "target_seconds"] as const;
const SHARES = ["service_level", "most_abandoned", "most_occupancy"] as const;

/** How many people a queue needs, by Erlang A. */
export function Staffing() {
  const text = useText();
  const { t } = text;
  const [asked, setAsked] = useState(BEGIN);
  const [found, setFound] = useState<StaffingOut | null>(null);
  const [busy, setBusy] = useState(false);

  async function run() {
    setBusy(true);
    try {
      setFound(await admin.staffing(asked));
    } catch (error) {
      notifications.show({ message: explain(error, text), color: "red", autoClose: 8_000 });
    } finally {
      setBusy(false);
    }
  }

  return (
    <Sheet title={t("admin.staffing")} intro={t("admin.staffing.intro")}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <div className={classes.days}>
          {WHOLE.map((name) => (
            <NumberInput key={name} label={t(`admin.staffing.${name}`)} min={0} value={asked[name]} onChange={(value) => setAsked({ ...asked, [name]: number(value) })} />
          ))}
          {SHARES.map((name) => (
            <NumberInput
              key={name}
              label={t(`admin.staffing.${name}`)}
              min={1}
              max={100}
              suffix=" %"
              value={Math.round(asked[name] * 100)}
              onChange={(value) => setAsked({ ...asked, [name]: number(value) / 100 })}
            />
          ))}
        </div>
        <div>
          <Button type="submit" loading={busy}>
            {t("admin.staffing.run")}
          </Button>
        </div>
      </form>
      <div aria-live="polite">
        {found && (
          <>
            <h3 className={classes.section}>
              {t("admin.staffing.needed", {
                agents: found.needed,
                erlangs: found.erlangs.toLocaleString(text.locale, { maximumFractionDigits: 2 }),
                without: found.without_patience ?? "–",
              })}
            </h3>
            <Table label={t("admin.staffing")} heads={[t("admin.staffing.agents"), t("admin.try.inTime"), t("admin.try.gaveUp"), t("admin.try.meanWait"), t("admin.staffing.busy")]}>
              {found.around.map((each) => (
                <tr key={each.agents} data-needed={each.agents === found.needed || undefined}>
                  <th scope="row">{each.agents}</th>
                  <td>{share(each.service_level, text)}</td>
                  <td>{share(each.abandoned, text)}</td>
                  <td>{t("admin.secondsOf", { seconds: each.mean_wait.toLocaleString(text.locale, { maximumFractionDigits: 1 }) })}</td>
                  <td>{share(each.occupancy, text)}</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </div>
    </Sheet>
  );
}
