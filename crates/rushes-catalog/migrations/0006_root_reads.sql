-- A scan of a part of a root may find that something in it is gone, and is not
-- a scan of the root.

ALTER TABLE roots ADD COLUMN last_read_ns INTEGER; -- last scan that read a part of it, or all, without a gap
UPDATE roots SET last_read_ns = last_scan_ns;
