CREATE TABLE `contact_words` (
	`brand_id` text NOT NULL,
	`word` text NOT NULL,
	`contact_id` text NOT NULL,
	PRIMARY KEY(`brand_id`, `word`, `contact_id`)
) WITHOUT ROWID;
