CREATE TABLE `unused_files` (
	`name` text PRIMARY KEY NOT NULL,
	`since` integer NOT NULL
);
