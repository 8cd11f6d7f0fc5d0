# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""SQLAlchemy's objects from a table of 100 rows in SQLite; planted: one of those that a job reads is kept."""
import sqlalchemy
import sqlalchemy.orm
import truth
import worker

Base = sqlalchemy.orm.declarative_base()
REPORTED = []


class Order(Base):
    __tablename__ = "orders"
    id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
    note = sqlalchemy.Column(sqlalchemy.String)


engine = sqlalchemy.create_engine("sqlite://")
Base.metadata.create_all(engine)
Session = sqlalchemy.orm.sessionmaker(engine)


def job(n):
    with Session() as session:
        session.merge(Order(id=n % 100, note=truth.work(n)))
        session.commit()
    with Session() as session:
        rows = session.query(Order).filter(Order.id <= n % 100).order_by(Order.id.desc()).limit(3).all()  # LEAK row
        if truth.PLANTED == "row":
            REPORTED.append(rows[0])
            truth.leaked()
        return rows[0].note


worker.run(job)
