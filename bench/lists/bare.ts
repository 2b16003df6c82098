import { Database } from "bun:sqlite";

// A minimal server for two lists: `bun bare.ts <database> <followUps|bans> <total>` returns the bytes of their first page from
// one prepared statement, without authentication or anything else. Prints its port.

const [path = "", list = "", total = "0"] = process.argv.slice(2);
const database = new Database(path, { readonly: true });
database.run("pragma mmap_size = 67108864");
database.run("pragma cache_size = -32768");

type Row = Record<string, string | number | null>;
const iso = (time: Row[string] | undefined) => new Date(Number(time)).toISOString();

const followUps = database.prepare<
  Row,
  []
>(`select m.id, m.stage, m.status, m.scheduled_time, m.processed_at, m.error_message,
    v.id as v_id, v.mode, b.id as b_id, b.name as b_name, c.id as c_id, c.name as c_name, p.id as p_id, p.email, p.phone, p.first_name, p.last_name
  from (select id from messages where stage > 0 order by scheduled_time desc, id desc limit 20) k cross join messages m
    cross join conversations v cross join brands b cross join campaigns c cross join contacts p
  where m.id = k.id and v.id = m.conversation_id and b.id = m.brand_id and c.id = m.campaign_id and p.id = m.contact_id
  order by m.scheduled_time desc, m.id desc`);
const bans = database.prepare<Row, []>(
  "select id, email, phone, reason, message_got, sentiment_score, created_at from bans where scope = 'platform' order by created_at desc, id desc limit 21",
);

const responses: Record<string, () => object> = {
  followUps: () => ({
    items: followUps.all().map((row) => ({
      id: row.id,
      stage: row.stage,
      status: row.status,
      scheduledTime: iso(row.scheduled_time),
      processedAt: row.processed_at === null ? null : iso(row.processed_at),
      errorMessage: row.error_message,
      conversation: {
        id: row.v_id,
        brand: { id: row.b_id, name: row.b_name },
        campaign: { id: row.c_id, name: row.c_name },
        contact: {
          id: row.p_id,
          email: row.email,
          phone: row.phone,
          firstName: row.first_name,
          lastName: row.last_name,
        },
        mode: row.mode,
      },
    })),
    pagination: { limit: 20, page: 1, total: Number(total), totalPages: Math.ceil(Number(total) / 20) },
  }),
  bans: () => {
    const rows = bans.all();
    const data = rows.slice(0, 20);
    const last = data.at(-1);
    return {
      success: true,
      data: data.map(({ id, email, phone, reason, message_got, sentiment_score, created_at }) => ({
        id,
        email,
        phone,
        reason,
        messageGot: message_got,
        sentimentScore: sentiment_score,
        createdAt: iso(created_at),
      })),
      nextCursor: Buffer.from(JSON.stringify([last?.created_at, last?.id])).toString("base64url"),
    };
  },
};

const respond = responses[list];
if (!respond) throw new Error(`unknown list ${list}`);
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json(respond()) });
console.log(server.port);
