CREATE TABLE IF NOT EXISTS word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, weight REAL);
CREATE INDEX IF NOT EXISTS by_weight ON word (weight);
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO word (text, weight) SELECT 'word ' || i, (i * 7919) % 10007 / 7.0 FROM n;
COMMIT;
SELECT count(*), sum(id), round(avg(weight), 3) FROM word;
SELECT text FROM word ORDER BY weight DESC, id LIMIT 2;
DELETE FROM word WHERE id % 2;
VACUUM;
CREATE VIRTUAL TABLE note USING fts5(body);
INSERT INTO note VALUES ('the quick brown fox'), ('a slow red fox'), ('nothing');
SELECT body FROM note WHERE note MATCH 'fox AND red';
SELECT json_extract('{"a": [1, {"b": "två"}]}', '$.a[1].b'), upper(hex('ö')), printf('%.4f', pi());
PRAGMA integrity_check;
