CREATE TABLE "unused_files" (
	"name" text PRIMARY KEY NOT NULL,
	"since" bigint NOT NULL
);
