import { describe, expect, test } from "bun:test";
import { applyMapping, type Mapping, mapColumns } from "../../../src/modules/contact-files/columns.ts";

describe("contact file columns", () => {
  const named = (header: string[], { custom, ...fields }: Mapping) => {
    const columns = (indexes: number[]) => indexes.map((index) => header[index] ?? "");
    const entries = Object.entries(fields).map(([field, indexes]) => [field, columns(indexes ?? [])] as const);
    return { ...Object.fromEntries(entries), custom: Object.keys(custom) };
  };
  const person = { firstName: ["First Name"], lastName: ["Last Name"] };
  test.each<[exporter: string, header: string, expected: Record<string, string[]>]>([
    [
      "HubSpot",
      "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Company Name,Time Zone,Contact owner",
      {
        ...person,
        email: ["Email"],
        phone: ["Mobile Phone Number", "Phone Number"],
        company: ["Company Name"],
        timezone: ["Time Zone"],
        custom: ["recordId", "contactOwner"],
      },
    ],
    [
      "Mailchimp",
      "Email Address,First Name,Last Name,Phone Number,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,TIMEZONE,LEID,TAGS",
      {
        ...person,
        email: ["Email Address"],
        phone: ["Phone Number"],
        timezone: ["TIMEZONE"],
        consent: ["CONFIRM_TIME", "OPTIN_TIME"],
        custom: ["memberRating", "leid", "tags"],
      },
    ],
    [
      "Mailchimp's merge tags",
      "EMAIL,FNAME,LNAME,PHONE",
      { email: ["EMAIL"], firstName: ["FNAME"], lastName: ["LNAME"], phone: ["PHONE"], custom: [] },
    ],
    [
      "Google Contacts until 2024",
      "Name,Given Name,Additional Name,Family Name,Notes,E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name",
      {
        fullName: ["Name"],
        firstName: ["Given Name"],
        lastName: ["Family Name"],
        email: ["E-mail 1 - Value", "E-mail 2 - Value"],
        phone: ["Phone 1 - Value"],
        company: ["Organization 1 - Name"],
        custom: ["additionalName", "notes", "eMail1Type", "phone1Type"],
      },
    ],
    [
      "Google Contacts",
      "First Name,Middle Name,Last Name,Organization Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value",
      {
        ...person,
        email: ["E-mail 1 - Value"],
        phone: ["Phone 1 - Value"],
        company: ["Organization Name"],
        custom: ["middleName", "labels", "eMail1Label", "phone1Label"],
      },
    ],
    [
      "Apollo",
      "First Name,Last Name,Title,Company Name,Company Name for Emails,Email,Email Status,Work Direct Phone,Home Phone,Mobile Phone,Corporate Phone,# Employees,Person Linkedin Url,Secondary Email",
      {
        ...person,
        email: ["Email", "Secondary Email"],
        phone: ["Mobile Phone", "Work Direct Phone", "Home Phone"],
        company: ["Company Name for Emails", "Company Name"],
        custom: ["title", "emailStatus", "corporatePhone", "employees", "personLinkedinUrl"],
      },
    ],
    [
      "GoHighLevel",
      "Contact Id,First Name,Last Name,Business Name,Phone,Email,Created,Last Activity,Tags,Additional Emails",
      {
        ...person,
        email: ["Email", "Additional Emails"],
        phone: ["Phone"],
        company: ["Business Name"],
        custom: ["contactId", "created", "lastActivity", "tags"],
      },
    ],
    [
      "a handwritten header",
      "\uFEFF E-MAIL_address ,mobile,Surname,Organisation,time_zone",
      {
        email: ["\uFEFF E-MAIL_address "],
        phone: ["mobile"],
        lastName: ["Surname"],
        company: ["Organisation"],
        timezone: ["time_zone"],
        custom: [],
      },
    ],
    [
      "a German header",
      "Vorname,Nachname,E-Mail-Adresse,Firma,Größe",
      {
        firstName: ["Vorname"],
        lastName: ["Nachname"],
        email: ["E-Mail-Adresse"],
        company: ["Firma"],
        custom: ["größe"],
      },
    ],
    [
      "a header with names of Object.prototype",
      "Email,__proto__,constructor,toString,Note,note,,1st visit",
      { email: ["Email"], custom: ["proto", "constructor2", "toString2", "note", "note2", "column7", "_1stVisit"] },
    ],
  ])("the columns of %s are mapped to contact fields", (_, header, expected) => {
    const columns = header.split(",");
    expect(named(columns, mapColumns(columns)) as Record<string, string[]>).toEqual(expected);
  });

  test("a given mapping overrides the recognised fields of its columns and rejects unknown columns and fields", () => {
    const header = ["Email", "Work mail", "Note", "Secret", "Phone"];
    expect(applyMapping(header, { "work MAIL": "email", Note: "custom.remark", Secret: "" })).toEqual({
      email: [1],
      phone: [4],
      custom: { remark: [2], email: [0] },
    });
    for (const [given, complaint] of [
      [{ Fax: "phone" }, /no column "Fax".*Columns of the file: "Email", "Work mail"/],
      [{ Note: "fax" }, /"fax" is not a field/],
      [{ Note: "custom.__proto__" }, /"custom.__proto__" is not a field/],
      [{ Note: "custom.constructor" }, /is not a field/],
      [{ Note: "custom.prototype" }, /is not a field/],
      [{ Note: "custom.a b" }, /is not a field/],
      [JSON.parse('{"__proto__": "email"}'), /no column "__proto__"/],
    ] as const) {
      expect(() => applyMapping(header, given)).toThrow(complaint);
    }
  });
});
