import { Button, Checkbox, NativeSelect, NumberInput, Textarea, TextInput } from "@mantine/core";
import type { VendorIn, VendorOut } from "@centralita/shared/api";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import * as admin from "../../api/admin";
import { inboxesQuery, vendorsQuery } from "../../api/queries";
import { LANGUAGES, useText } from "../../text";
import classes from "./Admin.module.css";
import { number } from "./forms";
import { Dialog, Read, Sheet, Table, useSave } from "./parts";

const NEW: VendorIn = {
  name: "",
  language: "es",
  inbox_id: "",
  addresses: [],
  same_domain: false,
  active: true,
  answer_within_seconds: 0,
  page: false,
  tell_customer: true,
};

/** Outside firms: where they are written to, and what they have promised. */
export function Vendors() {
  const { t } = useText();
  const query = useQuery(vendorsQuery);
  const [edited, setEdited] = useState<VendorOut | "new" | null>(null);
  return (
    <Sheet title={t("admin.vendors")} intro={t("admin.vendors.intro")} action={<Button onClick={() => setEdited("new")}>{t("admin.add")}</Button>}>
      <Read query={query}>
        {({ items }) => (
          <Table label={t("admin.vendors")} heads={[t("admin.name"), t("admin.addresses"), t("admin.answerWithin"), t("admin.state"), t("admin.actions")]}>
            {items.map((vendor) => (
              <tr key={vendor.id}>
                <th scope="row">{vendor.name}</th>
                <td>{vendor.addresses.join(", ")}</td>
                <td>{vendor.answer_within_seconds ? t("admin.hoursOf", { hours: vendor.answer_within_seconds / 3_600 }) : "–"}</td>
                <td>{vendor.active ? t("admin.active") : t("admin.disabled")}</td>
                <td>
                  <Button size="compact-sm" variant="light" aria-label={t("admin.editNamed", { name: vendor.name })} onClick={() => setEdited(vendor)}>
                    {t("admin.edit")}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Read>
      {edited && <VendorForm vendor={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Sheet>
  );
}

function VendorForm({ vendor, onClose }: { vendor: VendorOut | null; onClose: () => void }) {
  const { t, languageName } = useText();
  const { save, busy } = useSave();
  const { data: inboxes } = useQuery(inboxesQuery);
  const mailboxes = inboxes?.items.filter(({ channel }) => channel === "email") ?? [];
  const [id, known] = vendor ? (({ id, ...others }: VendorOut) => [id, others] as const)(vendor) : ["", NEW];
  const [values, setValues] = useState<VendorIn>(known);
  const [addresses, setAddresses] = useState(values.addresses.join("\n"));
  const set = (part: Partial<VendorIn>) => setValues({ ...values, ...part });
  const body = () => ({
    ...values,
    inbox_id: values.inbox_id || mailboxes[0]?.id || "",
    addresses: addresses.split(/[\s,;]+/).filter(Boolean),
  });
  return (
    <Dialog title={vendor?.name ?? t("admin.vendors")} onClose={onClose} busy={busy} onSubmit={() => void save(() => admin.saveVendor(id, body())).then((done) => done && onClose())}>
      <div className={classes.row}>
        <TextInput data-autofocus required label={t("admin.name")} value={values.name} onChange={(event) => set({ name: event.currentTarget.value })} />
        <NativeSelect label={t("settings.language")} value={values.language} onChange={(event) => set({ language: event.currentTarget.value })} data={LANGUAGES.map((value) => ({ value, label: languageName(value) }))} />
      </div>
      <Textarea required label={t("admin.addresses")} description={t("admin.addresses.hint")} autosize value={addresses} onChange={(event) => setAddresses(event.currentTarget.value)} />
      <div className={classes.row}>
        <NativeSelect label={t("admin.writtenFrom")} value={values.inbox_id} onChange={(event) => set({ inbox_id: event.currentTarget.value })} data={mailboxes.map((mailbox) => ({ value: mailbox.id, label: mailbox.name }))} />
        <NumberInput
          label={t("admin.answerWithin")}
          description={t("admin.answerWithin.hint")}
          min={0}
          value={values.answer_within_seconds / 3_600}
          onChange={(value) => set({ answer_within_seconds: Math.round(number(value) * 3_600) })}
        />
      </div>
      <Checkbox label={t("admin.vendorPage")} description={t("admin.vendorPage.hint")} checked={values.page} onChange={(event) => set({ page: event.currentTarget.checked })} />
      <Checkbox label={t("admin.vendorTells")} checked={values.tell_customer} onChange={(event) => set({ tell_customer: event.currentTarget.checked })} />
      <Checkbox label={t("admin.sameDomain")} checked={values.same_domain} onChange={(event) => set({ same_domain: event.currentTarget.checked })} />
      <Checkbox label={t("admin.vendorActive")} checked={values.active} onChange={(event) => set({ active: event.currentTarget.checked })} />
    </Dialog>
  );
}
