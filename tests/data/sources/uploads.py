"""One small, valid upload of every source format: file name -> text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

UPLOADS: dict[str, dict[str, str]] = {
    "goodbooks10k": {
        "books.csv": "book_id,goodreads_book_id,work_id,isbn,authors,original_publication_year,title,language_code\n"
        '1,2767052,2792775,439023483,Suzanne Collins,2008.0,"The Hunger Games (The Hunger Games, #1)",eng\n'
        "2,3,4640799,439554934,J.K. Rowling,1997.0,Harry Potter,eng\n",
        "ratings.csv": "user_id,book_id,rating\n7,1,5\n7,2,3\n8,1,4\n",
    },
    "bookcrossing": {
        "book_history.dat": "user\titem\taccessed\n1\t2\t1\n1\t3\t1\n2\t2\t1\n",
        "book_ratings.dat": "user\titem\trating\n1\t2\t7.000000\n",
        "items_info.dat": "Book_ID\tISBN\tBook-Title\tBook-Author\tYear-Of-Publication\tPublisher\n"
        "1\t0060973129\tDecision in Normandy\tCarlo D'Este\t1991\tHarperPerennial\n"
        "2\t0393045218\tThe Mummies of Urumchi\tE. J. W. Barber\t1999\tNorton\n",
    },
    "bookcrossing_original": {
        "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n"276726";"0155061224";"5"\n',
        "BX-Books.csv": '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher"\n'
        '"034545104X";"Flesh Tones: A Novel";"M. J. Rose";"2002";"Ballantine Books"\n',
    },
    "bookmeter": {
        "title_123.txt": "こころ (新潮文庫)\tアルジャーノンに花束を〔新版…\n",
        "authors_123.txt": "夏目 漱石\tダニエル・キイス\n",
    },
    "storygraph": {
        "storygraph.csv": "Title,Authors,Contributors,ISBN/UID,Format,Read Status,Date Added,Last Date Read,"
        "Dates Read,Read Count,Moods,Pace,Star Rating,Review,Tags,Owned?\n"
        "Dune,Frank Herbert,,9780441013593,paperback,read,2021/01/01,2021/02/03,2021/01/05-2021/02/03,1,,,4.25,nice,"
        ",No\n"
        "Emma,Jane Austen,,9780141439587,paperback,to-read,2021/01/01,,,0,,,,,,No\n",
    },
    "librarything": {
        "librarything.tsv": "Book Id\tTitle\tPrimary Author\tPublication\tDate\tReview\tRating\tMedia\tDate Read"
        "\tCollections\tLanguages\tISBN\tWork id\n"
        "1\tDune\tHerbert, Frank\tAce (2005)\t1965\tgood\t4.5\tPaperback\t2020-01-02\tYour library\tEnglish"
        "\t[9780441013593]\t3203347\n",
    },
    "goodreads_ucsd": {
        "goodreads_interactions_dedup.json": "".join(
            json.dumps(
                {
                    "user_id": user,
                    "book_id": book,
                    "review_id": "r",
                    "is_read": True,
                    "rating": rating,
                    "review_text_incomplete": "",
                    "date_added": "Thu Jul 30 07:44:10 -0700 2009",
                    "date_updated": "Thu Jul 30 07:44:10 -0700 2009",
                    "read_at": "Wed Jul 01 00:00:00 -0700 2009",
                    "started_at": "",
                }
            )
            + "\n"
            for user, book, rating in (
                ("8842281e1d1347389f2ab93d60773d4d", "12", 5),
                ("72fb0d0087d28c832f15776b", "13", 0),
            )
        )
    },
    "goodreads_export": {
        "goodreads_library_export.csv": "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,"
        "Average Rating,Publisher,Binding,Number of Pages,Year Published,Original Publication Year,Date Read,"
        "Date Added,Bookshelves,Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,Private Notes,Read Count,"
        "Owned Copies\n"
        '44767458,"Dune (Dune, #1)",Frank Herbert,"Herbert, Frank",,"=""059309932X""","=""9780593099322""",5,4.27,Ace,'
        'Paperback,658,2019,1965,2020/05/06,2020/01/01,,,read,"Very good",,,2,0\n'
        '6969,Emma,Jane Austen,"Austen, Jane",,"=""""","=""""",0,4.0,Penguin,Paperback,474,2003,1815,,2020/01/01,'
        "to-read,to-read (#1),to-read,,,,0,0\n",
    },
    "amazon_reviews": {
        "reviews_Books.json": '{"reviewerID": "A10000012B7CGYKOMPQ4L", "asin": "000100039X", "reviewerName": "Adam", '
        '"helpful": [0, 0], "reviewText": "Spiritual", "overall": 5.0, "summary": "Wow", "unixReviewTime": 1355616000, '
        '"reviewTime": "12 16, 2012"}\n',
    },
    "adjacency": {
        "train.txt": "".join(
            f"{i} " + " ".join(str((i * j) % 17) for j in range(1, 2 + i % 5)) + "\n" for i in range(12)
        ),
        "user_list.txt": "org_id remap_id\n" + "".join(f"A{i:013} {i}\n" for i in range(12)),
        "item_list.txt": "org_id remap_id\n" + "".join(f"{i:010} {i}\n" for i in range(17)),
    },
    "dbbook2014": {
        "train2id.tsv": "0\t6606\t1\n0\t6847\t0\n1\t6606\t1\n",
        "mapping_items.tsv": "id\turi\n6606\tThe Seventh Scroll;http://dbpedia.org/resource/The_Seventh_Scroll\n"
        "6847\tMoby Dick;http://dbpedia.org/resource/Moby-Dick\n",
    },
    "events": {
        "loans.csv": "borrower,title,author,borrowed,returned\n"
        + "".join(f"{100 + i % 7},Title {i % 5},Author {i % 5},2024-0{1 + i % 9}-1{i % 8},\n" for i in range(30)),
    },
}


def write_upload(folder: Path, name: str, change: Callable[[str], Any] = str.encode) -> Path:
    """Write the upload of a format into a new folder; `change` makes bytes of each text. Return the file or folder."""
    folder.mkdir(parents=True)
    for file, text in UPLOADS[name].items():
        (folder / file).write_bytes(change(text))
    return folder if len(UPLOADS[name]) > 1 else folder / next(iter(UPLOADS[name]))
