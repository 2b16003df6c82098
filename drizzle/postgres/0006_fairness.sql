CREATE TABLE "contact_words" (
	"brand_id" text NOT NULL,
	"word" text COLLATE "C" NOT NULL,
	"contact_id" text NOT NULL,
	CONSTRAINT "contact_words_key" PRIMARY KEY("brand_id","word","contact_id")
);
