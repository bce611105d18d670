#!/usr/bin/env python3
"""Records what ffprobe, exiftool and MediaInfo say of the sample media and of media/: see README.md.

Writes one file of answers for each file of media, and tools.json with the versions that gave
them. What depends on where or when it ran (paths, file times) is left out, so that a second run
with the same tools changes nothing. `--check` writes nothing and fails when something would change.
"""
import collections
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ANSWERS = os.path.join(HERE, "answers")
FOLDERS = [os.path.join("samples", "media"), os.path.join("tests", "golden", "media")]
# Texts beside media; they are no media of their own.
SIDECARS = (".srt", ".xmp")

FFPROBE_FORMAT = "format_name nb_streams duration bit_rate".split()
FFPROBE_STREAM = """
    codec_name codec_type codec_tag_string profile level width height pix_fmt bits_per_raw_sample
    bits_per_sample sample_aspect_ratio display_aspect_ratio color_range color_space color_transfer
    color_primaries r_frame_rate avg_frame_rate duration bit_rate nb_frames nb_read_frames
    sample_fmt sample_rate channels channel_layout""".split()
# What ffprobe writes where it knows nothing; -99 is libav's level of that meaning.
FFPROBE_SILENCE = ("N/A", "unknown", "0/0", "0:1", -99)

# exiftool's tags, in whatever group they are.
EXIFTOOL = set("""
    FileType MIMEType DocType ImageWidth ImageHeight SourceImageWidth SourceImageHeight Orientation
    Rotation PixelAspectRatio BitsPerSample ImagePixelDepth ComponentDepth ColorType
    YCbCrSubSampling ChromaFormat EncodingProcess ColorPrimaries TransferCharacteristics
    MatrixCoefficients GeneralProfileIDC GeneralLevelIDC CompressorID AudioFormat
    OtherFormat CodecID FrameCount VideoFrameCount AnimationFrames VideoFrameRate EditRate Duration
    AudioChannels NumChannels Channels ChannelCount AudioSampleRate SampleRate BitsPerAudioSample
    TotalSamples NumSampleFrames AudioSampleCount StartTimecode RoundedTimecodeTimebase CreateDate
    DateTimeOriginal CreationDate ContentCreateDate RecordingTime Year Date SubSecDateTimeOriginal
    GPSLatitude GPSLongitude GPSAltitude Make Model LensModel Software SoftwareVersion Encoder
    EncoderSettings Title Name Description ImageDescription Comment Subject Keywords Rating
    TrackLanguage MediaLanguageCode TrackName PNG:BitDepth AIFF:SampleSize""".split())
# Positions count with their sign, which Composite has. The others are numbers of a list, a rate of
# samples that are frames, a time of each of MXF's packages, one stream's encoder, or said already.
EXIFTOOL_LEFT_OUT = re.compile(
    r"GPS:.*|(MPEG|MXF|Track\d):SampleRate|Track\d:Duration|GIF:PixelAspectRatio|Matroska:Encoder"
    r"|Composite:DateTimeOriginal"
)
# A date of zeros.
NO_DATE = re.compile(r"0+[:-]00[:-]00 .*")

# MediaInfo's fields by the type of a track.
MEDIAINFO = {
    "General": """Format Format_Profile Duration OverallBitRate Encoded_Date Recorded_Date Title
        Description Comment Encoded_Application com_apple_quicktime_creationdate
        com_apple_quicktime_location_ISO6709 com_apple_quicktime_make com_apple_quicktime_model
        com_apple_quicktime_software""",
    "Image": """Format Format_Profile Format_Level Width Height BitDepth ChromaSubsampling
        colour_range colour_primaries transfer_characteristics matrix_coefficients""",
    "Video": """Format Format_Profile Format_Level Format_Version Duration BitRate Width Height
        PixelAspectRatio DisplayAspectRatio Rotation FrameRate FrameRate_Num FrameRate_Den
        FrameRate_Mode FrameCount BitDepth ChromaSubsampling colour_range colour_primaries
        transfer_characteristics matrix_coefficients HDR_Format HDR_Format_Compatibility Language
        Title
        TimeCode_FirstFrame""",
    "Audio": """Format Format_Profile Format_Version Format_AdditionalFeatures Duration BitRate
        Channels ChannelLayout SamplingRate SamplingCount BitDepth Language Title""",
    "Other": "TimeCode_FirstFrame",
}


def ask(*command):
    """What a command prints; some say nothing of a file that they do not know, and fail."""
    everywhere = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", env=everywhere, check=False
    )
    return done.stdout


def ffprobe(path, more=()):
    """ffprobe's answer as JSON, empty when it refuses the file."""
    return json.loads(ask("ffprobe", "-v", "quiet", "-of", "json", *more, path) or "{}")


def kept(given, names, silence=()):
    """The values of these names that say something."""
    return {name: given[name] for name in names if name in given and given[name] not in silence}


def frame_steps(path, number):
    """How often which time lies between two frames of a stream, in ticks, shown order."""
    found = ffprobe(path, ("-select_streams", str(number), "-show_entries", "frame=pts"))
    times = sorted(frame["pts"] for frame in found.get("frames", []) if "pts" in frame)
    steps = collections.Counter(later - earlier for earlier, later in zip(times, times[1:]))
    return {str(step): steps[step] for step in sorted(steps)}


def from_ffprobe(path):
    """Container and streams, and how far apart the frames of a stream of pictures are."""
    found = ffprobe(path, ("-show_format", "-show_streams", "-count_frames"))
    if not found.get("streams"):
        return None
    is_still = all(stream.get("nb_read_frames") == "1" for stream in found["streams"])
    form = kept(found["format"], FFPROBE_FORMAT, FFPROBE_SILENCE)
    form["tags"] = found["format"].get("tags", {})
    answers = {"format": form, "streams": []}
    for number, stream in enumerate(found["streams"]):
        entry = kept(stream, FFPROBE_STREAM, FFPROBE_SILENCE)
        is_attached = stream.get("disposition", {}).get("attached_pic", 0)
        is_timed = stream.get("codec_type") == "video" and not is_attached and not is_still
        entry.update(attached_pic=is_attached, tags=stream.get("tags", {}))
        for item in stream.get("side_data_list", []):
            entry.update(kept(item, ["rotation"]))
        if stream.get("codec_type") != "data":
            # Four characters that say more only where libav has no name of its own.
            entry.pop("codec_tag_string", None)
        if "bits_per_raw_sample" in entry or not entry.get("bits_per_sample"):
            entry.pop("bits_per_sample", None)
        if is_timed:
            entry["frame_steps"] = frame_steps(path, number)
        else:
            # Of sound they count packets.
            entry = without(entry, "nb_frames nb_read_frames r_frame_rate avg_frame_rate")
        if is_still or is_attached:
            entry = without(entry, "duration bit_rate")
        answers["streams"].append(entry)
    if is_still:
        # The readers of stills make up a length, and take brands for tags.
        answers["format"] = without(form, "duration bit_rate") | {"tags": {}}
    return answers


def without(given, names):
    """All but the values of these names."""
    return {name: given[name] for name in given if name not in names.split()}


def from_exiftool(path):
    """The tags that matter by group and name; binary ones are never among them."""
    [found] = json.loads(ask("exiftool", "-j", "-n", "-G1", path))
    return {
        name: value
        for name, value in found.items()
        if {name, name.split(":")[-1]} & EXIFTOOL
        and not EXIFTOOL_LEFT_OUT.fullmatch(name)
        and not NO_DATE.fullmatch(str(value))
    }


def from_mediainfo(path):
    """MediaInfo's tracks, its extra fields among the others."""
    tracks = json.loads(ask("mediainfo", "--Output=JSON", path))["media"]["track"]
    answers = []
    for track in tracks:
        names = ["@type", *MEDIAINFO[track["@type"]].split()]
        entry = kept({**track, **track.get("extra", {})}, names)
        if NO_DATE.fullmatch(entry.get("Encoded_Date", "")):
            del entry["Encoded_Date"]
        if not entry.get("Format", "").startswith("MPEG"):
            # Elsewhere it is a detail of the encoding.
            entry.pop("Format_Version", None)
        answers.append(entry)
    return answers


def media():
    """Every file to be asked about, by its path from the root, in order."""
    found = []
    for folder in FOLDERS:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            paths = [os.path.relpath(os.path.join(place, name), ROOT) for name in names]
            found += [path for path in paths if not path.endswith(SIDECARS)]
    return sorted(found)


def versions():
    """The version of each tool, a number and nothing of where it lies."""
    said = {
        "exiftool": ask("exiftool", "-ver"),
        "ffprobe": ask("ffprobe", "-version").split("Copyright")[0],
        "mediainfo": ask("mediainfo", "--Version"),
    }
    return {tool: re.search(r"\d[\w.+-]*", text).group() for tool, text in said.items()}


def text_of(answers):
    """JSON with sorted keys and one short line a value."""
    return json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main():
    """Asks about everything, then writes what is new, or says what would be."""
    files = {os.path.join(HERE, "tools.json"): text_of(versions())}
    for path in media():
        answers = {
            "path": path.replace(os.sep, "/"),
            "size_bytes": os.path.getsize(os.path.join(ROOT, path)),
            "ffprobe": from_ffprobe(path),
            "exiftool": from_exiftool(path),
            "mediainfo": from_mediainfo(path),
        }
        files[os.path.join(ANSWERS, os.path.basename(path) + ".json")] = text_of(answers)
    if len(files) != len(media()) + 1:
        sys.exit("record.py: two files have the same name; give one another")
    os.makedirs(ANSWERS, exist_ok=True)
    old = {os.path.join(ANSWERS, name) for name in os.listdir(ANSWERS)}
    changed = [path for path in old if path not in files]
    for path, text in files.items():
        known = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                known = file.read()
        if known != text:
            changed.append(path)
    for path in sorted(changed):
        print("changed", os.path.relpath(path, ROOT))
        if "--check" in sys.argv[1:]:
            continue
        if path in files:
            with open(path, "w", encoding="utf-8") as file:
                file.write(files[path])
        else:
            os.remove(path)
    print(f"{len(files) - 1} files of media, {len(changed)} answers changed")
    if "--check" in sys.argv[1:] and changed:
        sys.exit(1)


if __name__ == "__main__":
    main()
