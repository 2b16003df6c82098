CREATE TABLE `contact_numbers` (
	`number` integer PRIMARY KEY,
	`contact_id` text NOT NULL UNIQUE
);
--> statement-breakpoint
CREATE VIRTUAL TABLE `contact_terms` USING fts5(words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '!#$%&()*+,-./:;<=>?@[]^_{|}~'");
--> statement-breakpoint
CREATE VIRTUAL TABLE `contact_term_list` USING fts5vocab(contact_terms, instance);
